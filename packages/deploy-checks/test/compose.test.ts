import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import { composeRules } from './rules/compose.js';
import type { Definitions } from './support/broker-users.js';
import { type ComposeFile, composeSchemaProblems, mountedSecrets, readCompose } from './support/compose.js';
import { pathOf, textOf } from './support/repository.js';
import { services } from './support/services.js';
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
      '--env-file',
      pathOf('compose/empty'),
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

  it('is set by the variables of .env.example, and by no others', () => {
    const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1]));
    const listed = new Set(
      [...textOf('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map((match) => match[1]),
    );
    expect([...listed].sort()).toEqual([...used].sort());
  });

  it('carries the digest of what its secret files hold, so that `up` notices that they changed', () => {
    const digest = run('node', [pathOf('scripts/warren.mjs'), 'secrets', '--digest']).trim();
    const labels = Object.values(compose.services).flatMap(({ labels = {} }) => Object.values(labels));
    expect(new Set(labels)).toEqual(new Set([digest]));
  });

  it('says which Docker Engine and Compose know what it uses', () => {
    for (const page of ['docker-compose.yml', 'README.md', 'docs/deployment.md']) {
      const said = /Docker\s+Engine ≥ 25 and Compose ≥ 2\.24\.1/.test(textOf(page));
      expect({ page, said }).toEqual({ page, said: true });
    }
  });

  it('builds on the base image that the Dockerfiles name, under the version of the workspace', () => {
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    for (const { name } of services) {
      const { image, build } = compose.services[name] ?? {};
      const base = /^ARG BASE_IMAGE=(.+)$/m.exec(textOf(`services/${name}/Dockerfile`))?.[1];
      expect({ image, args: build?.args }).toEqual({
        image: `warren-${name}:${version}`,
        args: expect.objectContaining({ BASE_IMAGE: base, VERSION: version }),
      });
    }
  });
});

describe('npm run secrets', () => {
  it('makes a folder with which docker-compose.yml starts and nothing is for development only', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'warren-secrets-'));
    const folder = join(parent, 'secrets');
    try {
      const printed = run('node', [pathOf('scripts/warren.mjs'), 'secrets', folder]);
      const env = Object.fromEntries(
        printed
          .trim()
          .split('\n')
          .map((line) => line.split(/=(.*)/s)),
      );
      const changed = readCompose(text, env);
      expect(env.DEPLOYMENT).toBe('production');
      expect(composeRules['each service starts with its environment'](changed)).toEqual([]);
      for (const facts of services) {
        const { SIGNING_KEY_SECRET } = changed.services[facts.name]?.environment ?? {};
        if (facts.name === 'user') expect(SIGNING_KEY_SECRET).toMatch(/^[\w-]{32,}$/);
      }
      const mounted = Object.values(changed.services).flatMap((service) => [
        ...mountedSecrets(service).values(),
      ]);
      const texts = Object.fromEntries(
        mounted.map((name) => [name, readFileSync(changed.secrets[name]?.file ?? '', 'utf8')]),
      );
      expect(Object.values(texts).filter((each) => each.includes('development-only'))).toEqual([]);
      const { users } = JSON.parse(texts['rabbitmq-definitions'] ?? '') as Definitions;
      for (const { name } of services) {
        const amqp = new URL(texts[`${name}-amqp-url`] ?? '');
        expect(users.find((user) => user.name === name)?.password).toBe(amqp.password);
        for (const role of [name, `${name}-owner`]) {
          const database = new URL(texts[`${role}-database-url`] ?? '');
          expect(texts[`${role}-database-password`]?.trim()).toBe(database.password);
        }
      }
      const labels = Object.values(changed.services).map(({ labels = {} }) => labels['dev.warren.secrets']);
      expect(new Set(labels)).toEqual(new Set([env.WARREN_SECRETS_DIGEST]));
      expect(() => run('node', [pathOf('scripts/warren.mjs'), 'secrets', folder])).toThrow();
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });
});

/** Each rule must notice at least this mistake. */
const mistakes: Array<[keyof typeof composeRules, (services: ComposeFile['services']) => void]> = [
  ['each service starts with its environment', (s) => set(s.payment?.environment, 'DRIAN_SECONDS', '10')],
  ['each service starts with its environment', (s) => set(s.payment?.environment, 'DRAIN_SECONDS', 'ten')],
  ['each service starts with its environment', (s) => delete s.payment?.environment?.DATABASE_URL_FILE],
  ['each service starts with its environment', (s) => s.payment?.secrets?.splice(0, 1)],
  ['each service starts with its environment', (s) => delete s.payment?.environment?.DEPLOYMENT],
  ['what has no default can be set', (s) => delete s.payment?.environment?.STRIPE_SECRET_KEY],
  [
    'passwords are in secret files, which say that they are for development only',
    (s) => set(s.payment?.environment, 'AMQP_URL', 'amqp://payment:known@rabbitmq:5672/warren'),
  ],
  [
    'passwords are in secret files, which say that they are for development only',
    (s) => set(s.postgres?.environment, 'POSTGRES_PASSWORD', 'known'),
  ],
  [
    'passwords are in secret files, which say that they are for development only',
    (s) => s.rabbitmq?.secrets?.push('npmrc'),
  ],
  [
    'databases are migrated by the role that owns them, before the service starts with less',
    (s) => delete s['payment-migrate'],
  ],
  [
    'databases are migrated by the role that owns them, before the service starts with less',
    (s) => delete s['payment-migrate']?.environment?.MIGRATE_DATABASE_URL_FILE,
  ],
  [
    'databases are migrated by the role that owns them, before the service starts with less',
    (s) => set(s.payment?.environment, 'MIGRATE', 'on'),
  ],
  [
    'databases are migrated by the role that owns them, before the service starts with less',
    (s) => delete s.payment?.depends_on?.['payment-migrate'],
  ],
  [
    'databases are migrated by the role that owns them, before the service starts with less',
    (s) => s.payment?.secrets?.push('payment-owner-database-url'),
  ],
  [
    'databases are migrated by the role that owns them, before the service starts with less',
    (s) => set(s['payment-migrate'], 'restart', 'unless-stopped'),
  ],
  ['a changed secret replaces every container that reads one', (s) => delete s.rabbitmq?.labels],
  [
    'health checks are seldom and start no virtual machine',
    (s) => set(s.rabbitmq?.healthcheck, 'test', ['CMD', 'rabbitmq-diagnostics', 'ping']),
  ],
  [
    'health checks are seldom and start no virtual machine',
    (s) => set(s.payment?.healthcheck, 'interval', '10s'),
  ],
  [
    'health checks are seldom and start no virtual machine',
    (s) => delete s.payment?.healthcheck?.start_interval,
  ],
  ['mails survive their container', (s) => set(s.notification?.environment, 'MAIL_DIR', '/tmp/mail')],
  [
    'each container is bounded in CPU, memory, processes and logs',
    (s) => delete s.postgres?.deploy?.resources?.limits?.pids,
  ],
  [
    'each container is bounded in CPU, memory, processes and logs',
    (s) => set(s.rabbitmq?.deploy?.resources?.limits, 'cpus', '2'),
  ],
  ['each container is bounded in CPU, memory, processes and logs', (s) => delete s.user?.logging],
  ['builds take base image, registry and what it asks for', (s) => delete s.user?.build?.secrets],
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
