import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SeparateSystem, services } from './support/system.js';

let system: SeparateSystem;
beforeAll(async () => {
  system = await SeparateSystem.start(1, { SIGNING_KEY_SECRET: 'a secret of this test, of 32 and more' });
}, 240_000);
afterAll(() => system?.close(), 60_000);

it.each(services)(
  '%s starts together with the others on empty servers and logs no error stack',
  (service) => {
    const lines = system.output(service).split('\n');
    expect(lines.filter((line) => line.includes('"stack"'))).toEqual([]);
  },
);
