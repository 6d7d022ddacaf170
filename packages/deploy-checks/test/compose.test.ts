import { describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import { composeRules, openPasswords } from './rules/compose.js';
import { type ComposeFile, composeSchemaProblems, readCompose } from './support/compose.js';
import { pathOf, textOf } from './support/repository.js';
import { set } from './support/set.js';
import { missing, run } from './support/tools.js';

const text = textOf('docker-compose.yml');
const compose = readCompose(text);

function changed(change: (file: ComposeFile) => void): ComposeFile {
  const copy = structuredClone(compose);
  change(copy);
  return copy;
}

describe('docker-compose.yml', () => {
  it('fits the schema of the Compose specification', () => {
    expect(composeSchemaProblems(compose)).toEqual([]);
    const misspelt = { ...compose, services: { payment: { ...compose.services.payment, read_onyl: true } } };
    expect(composeSchemaProblems(misspelt)).not.toEqual([]);
  });

  const noCompose = missing('docker', ['compose', 'version']);
  (noCompose ? it.skip : it)(named('is read by docker compose as the checks here read it', noCompose), () => {
    const printed = run('docker', [
      'compose',
      '--file',
      pathOf('docker-compose.yml'),
      'config',
      '--format',
      'json',
    ]);
    const { services } = JSON.parse(printed) as { services: Record<string, { environment?: object }> };
    for (const [name, { environment }] of Object.entries(compose.services)) {
      expect(services[name]?.environment ?? {}).toEqual(environment ?? {});
    }
  });

  it.each(Object.entries(composeRules))('%s', (_name, rule) => {
    expect(rule(compose)).toEqual([]);
  });

  it('takes each password from the environment, with a default that is marked', () => {
    expect(openPasswords(text)).toEqual([]);
    expect(openPasswords(text.replace(/\$\{WARREN_PAYMENT_BROKER_PASSWORD:-[^}]*\}/, 's3cret'))).toEqual([
      's3cret',
    ]);
    const set = readCompose(text, { WARREN_PAYMENT_BROKER_PASSWORD: 'other' });
    expect(set.services.payment?.environment?.AMQP_URL).toBe('amqp://payment:other@rabbitmq:5672/warren');
    expect(set.configs['rabbitmq-definitions']?.content).toContain('"name": "payment", "password": "other"');
  });
});

/** Each rule must notice at least this mistake. */
const mistakes: Array<[keyof typeof composeRules, (services: ComposeFile['services']) => void]> = [
  ['each service starts with its environment', (s) => set(s.payment?.environment, 'DRIAN_SECONDS', '10')],
  ['each service starts with its environment', (s) => set(s.payment?.environment, 'DRAIN_SECONDS', 'ten')],
  ['each service starts with its environment', (s) => delete s.payment?.environment?.DATABASE_URL],
  [
    'services publish their port on this machine only, nothing else is published',
    (s) => s.payment?.ports?.push('5002:5002'),
  ],
  [
    'services publish their port on this machine only, nothing else is published',
    (s) => set(s.rabbitmq, 'ports', ['5672:5672']),
  ],
  ['broker and database can be reached by services only', (s) => s.postgres?.networks?.push('public')],
  ['services run without privileges on a read-only root', (s) => set(s.user, 'read_only', false)],
  ['services have the time to drain', (s) => set(s.user, 'stop_grace_period', '40s')],
  ['services wait for a healthy broker and database', (s) => delete s.rabbitmq?.healthcheck],
  [
    'images are built from the service’s own Dockerfile or carry a version',
    (s) => set(s.rabbitmq, 'image', 'rabbitmq:latest'),
  ],
  [
    'images are built from the service’s own Dockerfile or carry a version',
    (s) => set(s.postgres, 'image', 'registry:5000/postgres'),
  ],
];

describe('the checks of docker-compose.yml', () => {
  it('have a mistake each', () => {
    expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(composeRules)));
  });

  it.each(mistakes)('would notice that not "%s" (%#)', (rule, change) => {
    expect(composeRules[rule](changed(({ services }) => change(services)))).not.toEqual([]);
  });
});
