import { describe, expect, it } from '@jest/globals';
import { readStartConfig } from '../src/config.js';

const services = [{ name: 'user', portVariable: 'USER_PORT', defaultPort: 4001 }];

describe('the environment of npm start', () => {
  it('may be empty: servers are embedded, data is in the checkout, each service has its default port', () => {
    const config = readStartConfig(services, {});
    expect(config.servers).toBeUndefined();
    expect(config.dataDir).toMatch(/\.warren$/);
    expect([...config.ports]).toEqual([['user', 4001]]);
  });

  it('must name both servers or neither, and the error names the missing one', () => {
    const [AMQP_URL, DATABASE_URL] = ['amqp://broker', 'postgres://server'];
    expect(readStartConfig(services, { AMQP_URL, DATABASE_URL }).servers).toEqual({
      amqp: AMQP_URL,
      database: DATABASE_URL,
    });
    expect(() => readStartConfig(services, { AMQP_URL })).toThrow('DATABASE_URL is missing');
    expect(() => readStartConfig(services, { DATABASE_URL })).toThrow('AMQP_URL is missing');
  });

  it('is refused with a line for each wrong value', () => {
    const wrong = () => readStartConfig(services, { USER_PORT: 'high', AMQP_URL: 'http://broker' });
    expect(wrong).toThrow(/AMQP_URL[\s\S]*USER_PORT/);
  });
});
