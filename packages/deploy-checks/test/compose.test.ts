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
  it('matches the schema of the Compose specification', () => {
    expect(composeSchemaProblems(compose)).toEqual([]);
    const misspelt = { ...compose, services: { payment: { ...compose.services.payment, read_onyl: true } } };
    expect(composeSchemaProblems(misspelt)).not.toEqual([]);
  });

  const noCompose = missing('docker', ['compose', 'version']);
  (noCompose ? it.skip : it)(named('means the same to docker compose as to these checks', noCompose), () => {
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

  it('uses exactly the variables that .env.example lists', () => {
    const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map((match) => match[1]));
    const listed = new Set(
      [...textOf('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map((match) => match[1]),
    );
    expect([...listed].sort()).toEqual([...used].sort());
  });

  it('labels containers with the digest of the secret files, so that `up` replaces them after a change', () => {
    const digest = run('node', [pathOf('scripts/warren.mjs'), 'secrets', '--digest']).trim();
    const labels = Object.values(compose.services).flatMap(({ labels = {} }) => Object.values(labels));
    expect(new Set(labels)).toEqual(new Set([digest]));
  });

  it('states the versions of Docker Engine and Compose that it needs', () => {
    for (const page of ['docker-compose.yml', 'README.md', 'docs/deployment.md']) {
      const said = /Docker\s+Engine ≥ 25 and Compose ≥ 2\.24\.1/.test(textOf(page));
      expect({ page, said }).toEqual({ page, said: true });
    }
  });

  it('builds with the base image of the Dockerfiles and the version of the workspace', () => {
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
  it('creates secrets for docker-compose.yml, none of which is for development only', async () => {
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
      expect(composeRules['starts each service with a valid environment'](changed)).toEqual([]);
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

/** Mistakes that the rules must find: at least one for each rule. */
const mistakes: Array<[keyof typeof composeRules, (services: ComposeFile['services']) => void]> = [
  ['starts each service with a valid environment', (s) => set(s.payment?.environment, 'DRIAN_SECONDS', '10')],
  [
    'starts each service with a valid environment',
    (s) => set(s.payment?.environment, 'DRAIN_SECONDS', 'ten'),
  ],
  ['starts each service with a valid environment', (s) => delete s.payment?.environment?.DATABASE_URL_FILE],
  ['starts each service with a valid environment', (s) => s.payment?.secrets?.splice(0, 1)],
  ['starts each service with a valid environment', (s) => delete s.payment?.environment?.DEPLOYMENT],
  ['passes every setting without a default', (s) => delete s.payment?.environment?.STRIPE_SECRET_KEY],
  [
    'keeps passwords in secret files that are marked for development only',
    (s) => set(s.payment?.environment, 'AMQP_URL', 'amqp://payment:known@rabbitmq:5672/warren'),
  ],
  [
    'keeps passwords in secret files that are marked for development only',
    (s) => set(s.postgres?.environment, 'POSTGRES_PASSWORD', 'known'),
  ],
  [
    'keeps passwords in secret files that are marked for development only',
    (s) => s.rabbitmq?.secrets?.push('npmrc'),
  ],
  [
    'migrates each database as its owner before the service starts as a role with fewer rights',
    (s) => delete s['payment-migrate'],
  ],
  [
    'migrates each database as its owner before the service starts as a role with fewer rights',
    (s) => delete s['payment-migrate']?.environment?.MIGRATE_DATABASE_URL_FILE,
  ],
  [
    'migrates each database as its owner before the service starts as a role with fewer rights',
    (s) => set(s.payment?.environment, 'MIGRATE', 'on'),
  ],
  [
    'migrates each database as its owner before the service starts as a role with fewer rights',
    (s) => delete s.payment?.depends_on?.['payment-migrate'],
  ],
  [
    'migrates each database as its owner before the service starts as a role with fewer rights',
    (s) => s.payment?.secrets?.push('payment-owner-database-url'),
  ],
  [
    'migrates each database as its owner before the service starts as a role with fewer rights',
    (s) => set(s['payment-migrate'], 'restart', 'unless-stopped'),
  ],
  ['labels each container that reads secrets with their digest', (s) => delete s.rabbitmq?.labels],
  [
    'runs health checks rarely, and starts no virtual machine for them',
    (s) => set(s.rabbitmq?.healthcheck, 'test', ['CMD', 'rabbitmq-diagnostics', 'ping']),
  ],
  [
    'runs health checks rarely, and starts no virtual machine for them',
    (s) => set(s.payment?.healthcheck, 'interval', '10s'),
  ],
  [
    'runs health checks rarely, and starts no virtual machine for them',
    (s) => delete s.payment?.healthcheck?.start_interval,
  ],
  ['keeps mails on a volume', (s) => set(s.notification?.environment, 'MAIL_DIR', '/tmp/mail')],
  [
    'limits CPU, memory, processes and logs of each container',
    (s) => delete s.postgres?.deploy?.resources?.limits?.pids,
  ],
  [
    'limits CPU, memory, processes and logs of each container',
    (s) => set(s.rabbitmq?.deploy?.resources?.limits, 'cpus', '2'),
  ],
  ['limits CPU, memory, processes and logs of each container', (s) => delete s.user?.logging],
  ['passes base image, registry and registry credentials to builds', (s) => delete s.user?.build?.secrets],
  [
    'publishes only the ports of services, and only on this machine',
    (s) => s.payment?.ports?.push('5002:5002'),
  ],
  [
    'publishes only the ports of services, and only on this machine',
    (s) => set(s.rabbitmq, 'ports', ['5672:5672']),
  ],
  [
    'puts broker and database on a network that only services reach',
    (s) => s.postgres?.networks?.push('public'),
  ],
  ['runs services without privileges and with a read-only root', (s) => set(s.user, 'read_only', false)],
  ['gives services time to drain', (s) => set(s.user, 'stop_grace_period', '40s')],
  ['starts services after broker and database are healthy', (s) => delete s.rabbitmq?.healthcheck],
  [
    'builds each service from its own Dockerfile, and names other images by version',
    (s) => set(s.rabbitmq, 'image', 'rabbitmq:latest'),
  ],
  [
    'builds each service from its own Dockerfile, and names other images by version',
    (s) => set(s.postgres, 'image', 'registry:5000/postgres'),
  ],
];

describe('the checks of docker-compose.yml', () => {
  it('are tested with at least one mistake each', () => {
    expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(composeRules)));
  });

  it.each(mistakes)('fail on a mistake: %s (%#)', (rule, change) => {
    expect(composeRules[rule](changed(({ services }) => change(services)))).not.toEqual([]);
  });
});
