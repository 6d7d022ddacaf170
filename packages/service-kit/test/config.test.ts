import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Type } from 'typebox';
import { kitConfigSchema } from '../src/config/kit-config.js';
import { ConfigError, describeConfig, type Environment, readConfig } from '../src/config/read-config.js';
import { brokerUsersOf, readServiceConfig, warnOfSharedUser } from '../src/config/service-config.js';

const service = {
  contract: { service: 'tiny' },
  port: 4_009,
  config: Type.Object({
    RATE: Type.Number({ minimum: 0, maximum: 1, default: 0.5, description: 'A share.' }),
    TRACE: Type.Boolean({ default: false, description: 'Tells more.' }),
  }),
};
const enough = { DATABASE_URL: 'postgres://u:hush@db/warren', AMQP_URL: 'amqp://u:hush@mq' };

function problemsOf(env: Environment, hasBus = false): readonly string[] {
  try {
    readServiceConfig(service, env, hasBus);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('readServiceConfig', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('uses defaults for missing variables, and the port of the service for PORT', () => {
    const config = readServiceConfig(service, enough, false);
    expect(config).toMatchObject({
      PORT: 4_009,
      RATE: 0.5,
      TRACE: false,
      MIGRATE: 'on',
      SOCKET_PATH: '/socket.io',
    });
    expect(config.INTERNAL_PORT).toBeUndefined();
  });

  it.each([
    ['amqp://tiny:hush@mq', undefined, 'per-service'],
    ['amqp://guest:hush@mq', undefined, 'shared'],
    ['amqp://mq', undefined, 'shared'],
    ['amqp://tiny:hush@mq', 'shared', 'shared'],
  ])('with the broker at %s and AMQP_USERS %s, broker users are %s', (AMQP_URL, AMQP_USERS, users) => {
    const config = readServiceConfig(service, { ...enough, AMQP_URL, AMQP_USERS }, false);
    expect(brokerUsersOf(config, service.contract.service)).toBe(users);
  });

  it.each([
    ['production', 'amqp://guest:hush@mq', 1],
    ['production', 'amqp://tiny:hush@mq', 0],
    ['development', 'amqp://guest:hush@mq', 0],
  ])(
    'in %s with the broker at %s it warns %s times that services share a user',
    (DEPLOYMENT, AMQP_URL, times) => {
      const config = readServiceConfig(service, { ...enough, AMQP_URL, DEPLOYMENT }, false);
      const lines: string[] = [];
      warnOfSharedUser(
        config,
        service.contract.service,
        pino({ level: 'warn' }, { write: (line) => void lines.push(line) }),
      );
      expect(lines.filter((line) => line.includes('share one broker user'))).toHaveLength(times);
    },
  );

  it('uses the prefix `warren` at the broker unless another one in kebab case is set', () => {
    const prefixOf = (AMQP_PREFIX?: string) =>
      readServiceConfig(service, { ...enough, AMQP_PREFIX }, false).AMQP_PREFIX;
    expect([prefixOf(), prefixOf('blue-2')]).toEqual(['warren', 'blue-2']);
    expect(() => prefixOf('Blue.Green')).toThrow(/AMQP_PREFIX: "Blue\.Green" is not/);
  });

  it('refuses AMQP_USERS=per-service if the broker user does not have the name of the service', () => {
    const problems = problemsOf({ ...enough, AMQP_USERS: 'per-service' });
    expect(problems).toEqual(['AMQP_USERS is per-service, but the user in AMQP_URL is not "tiny"']);
  });

  it('parses numbers, booleans and lists', () => {
    const env = {
      ...enough,
      PORT: '0',
      RATE: '0.25',
      TRACE: 'on',
      CORS_ORIGINS: 'https://a.example, https://b.example',
    };
    expect(readServiceConfig(service, env, false)).toMatchObject({
      PORT: 0,
      RATE: 0.25,
      TRACE: true,
      CORS_ORIGINS: ['https://a.example', 'https://b.example'],
    });
  });

  it('reports all problems, with one line for each variable', () => {
    const problems = problemsOf({
      PORT: 'eighty',
      RATE: '2',
      TRACE: 'maybe',
      MIGRATE: 'perhaps',
      AMQP_URL: enough.AMQP_URL,
    });
    expect(problems.map((line) => line.split(/[ :]/, 1)[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'MIGRATE',
      'RATE',
      'TRACE',
    ]);
    expect(problems[0]).toMatch(/^PORT: "eighty" is not a whole number from 0 to 65535\. /);
    expect(problems[1]).toMatch(/^DATABASE_URL is missing: /);
    expect(problems[2]).toMatch(/is not one of on, off\./);
    for (const line of problems) expect(line).not.toContain('\n');
  });

  it('does not show the value of a secret', () => {
    const problems = problemsOf({ ...enough, DATABASE_URL: 'mysql://u:hush@db/warren' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^DATABASE_URL: the given value is not like /);
    expect(problems.join()).not.toContain('hush');
  });

  it.each([
    ['https://app.example.org/', 'https://app.example.org'],
    ['HTTPS://App.Example.ORG', 'https://app.example.org'],
    ['https://app.example.org:443', 'https://app.example.org'],
    ['http://app.example.org:80/', 'http://app.example.org'],
    ['http://localhost:4000', 'http://localhost:4000'],
    ['http://[::1]:4000/', 'http://[::1]:4000'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['*', '*'],
  ])('normalizes the origin %s', (text, origin) => {
    const { CORS_ORIGINS } = readServiceConfig(service, { ...enough, CORS_ORIGINS: text }, false);
    expect(CORS_ORIGINS).toEqual([origin]);
  });

  it.each([
    ['https://app.example.org/app', 'has something after the host'],
    ['https://app.example.org?x', 'has something after the host'],
    ['https://app.example.org#x', 'has something after the host'],
    ['app.example.org', 'has no scheme'],
    ['localhost:4000', 'has no scheme'],
    ['https:app.example.org', 'has no scheme'],
    ['https:///', 'has no host'],
    ['https://ada:hush@app.example.org', 'has a user name'],
    ['https://*.example.org', 'has a wildcard'],
    ['https://app.example.org:99999', 'is not a valid URL'],
    ['https://a b', 'is not a valid URL'],
    ['null', 'has no scheme'],
  ])('refuses %s as an origin and says why', (text, why) => {
    const env = { ...enough, CORS_ORIGINS: `https://good.example, ${text}` };
    expect(problemsOf(env)).toEqual([
      `CORS_ORIGINS: "${text}" ${why}; an origin is a scheme, a host and optionally a port, for example https://app.example.org`,
    ]);
  });

  describe('in production', () => {
    const shipped = {
      DATABASE_URL: 'postgres://warren_user:development-only@postgres:5432/warren_user',
      AMQP_URL: 'amqp://user:development-only@rabbitmq:5672/warren',
      KEY: 'development-only-development-only-development-only',
    };
    const keyed = {
      contract: { service: 'user' },
      port: 4_009,
      config: Type.Object({ KEY: Type.String({ secret: true, description: 'A secret of its own.' }) }),
    };
    const faults = (env: Environment) => {
      try {
        readServiceConfig(keyed, env, false);
        return [];
      } catch (error) {
        return (error as ConfigError).problems.map((line) => line.split(' ')[0]);
      }
    };

    it.each([
      ['by DEPLOYMENT', { DEPLOYMENT: 'production' }],
      ['by NODE_ENV', { NODE_ENV: 'production' }],
    ])('refuses published secrets, if production is set %s', (_, env) => {
      expect(faults({ ...shipped, ...env })).toEqual(['DATABASE_URL', 'AMQP_URL', 'KEY']);
    });

    it('refuses published secrets that are read from a file', async () => {
      const file = join(folder, 'published');
      await writeFile(file, shipped.KEY);
      const env = { ...enough, NODE_ENV: 'production', KEY_FILE: file };
      expect(faults(env)).toEqual(['KEY']);
    });

    it('accepts published secrets if DEPLOYMENT is development', () => {
      expect(faults({ ...shipped, NODE_ENV: 'production', DEPLOYMENT: 'development' })).toEqual([]);
      expect(faults(shipped)).toEqual([]);
    });

    it('accepts other secrets, and the words of a published secret in variables that are not secret', () => {
      const env = { ...enough, KEY: 'x', NODE_ID: 'development-only-1', NODE_ENV: 'production' };
      expect(faults(env)).toEqual([]);
      expect(readServiceConfig(keyed, env, false).DEPLOYMENT).toBe('production');
    });
  });

  it('requires AMQP_URL unless the process brings a bus', () => {
    const { AMQP_URL: _, ...env } = enough;
    expect(problemsOf(env)).toEqual([expect.stringMatching(/^AMQP_URL is missing: /)]);
    expect(problemsOf({ ...env, AMQP_URL: '' })).toHaveLength(1);
    expect(problemsOf(env, true)).toEqual([]);
  });

  it('reads a value from a file', async () => {
    const file = join(folder, 'database-url');
    await writeFile(file, 'postgres://from-file/warren\n');
    const config = readServiceConfig(service, { AMQP_URL: enough.AMQP_URL, DATABASE_URL_FILE: file }, false);
    expect(config.DATABASE_URL).toBe('postgres://from-file/warren');
  });

  it('refuses a file that cannot be read, and a variable that is set both directly and by a file', () => {
    const file = join(folder, 'nothing');
    expect(problemsOf({ ...enough, LOG_LEVEL_FILE: file })).toEqual([
      `LOG_LEVEL_FILE: cannot read ${file} (ENOENT)`,
    ]);
    expect(problemsOf({ ...enough, DATABASE_URL_FILE: file })).toEqual([
      'DATABASE_URL and DATABASE_URL_FILE are both set; only one may be',
    ]);
  });

  it('does not let one service change the defaults of another', () => {
    const schema = kitConfigSchema(1);
    readConfig(schema, enough).CORS_ORIGINS.push('https://evil.example');
    expect(readConfig(schema, enough).CORS_ORIGINS).not.toContain('https://evil.example');
  });
});

describe('describeConfig', () => {
  it('gives each variable of the kit a description, and a null default if it must be set', () => {
    const rows = describeConfig(kitConfigSchema(4_009));
    for (const row of rows) expect(row.description).not.toBe('');
    expect(rows.find((row) => row.name === 'PORT')?.default).toBe('4009');
    expect(rows.find((row) => row.name === 'INTERNAL_PORT')?.default).toBe('PORT + 1000');
    expect(rows.filter((row) => row.default === null).map((row) => row.name)).toEqual(['DATABASE_URL']);
  });
});
