import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = resolve(import.meta.dirname, '../../..');
const { boundaries, knownRooms } = (await import(join(root, 'lint/boundaries.mjs'))) as {
  boundaries(): Record<string, string>;
  knownRooms: readonly string[];
};

interface Case {
  file: string;
  source: string;
  /** A part of the linter's message; `undefined` if the import is allowed. */
  refused: string | undefined;
}

const imports = (from: string) => `import * as it from '${from}';\nexport const used = it;\n`;
const refused = (file: string, from: string, message: string): Case => ({
  file,
  source: imports(from),
  refused: message,
});
const allowed = (file: string, from: string): Case => ({ file, source: imports(from), refused: undefined });

const payment = 'services/payment/src';
const domain = `${payment}/domain`;
const otherService = 'No service imports another';
const notToDoors = 'Nothing imports a door';
const onlyOperations = 'Only operations open transactions, publish and feed';
const call = (file: string, code: string, message?: string): Case => ({
  file,
  source: `export const work = (tx: never, uow: never, parts: never) => [tx, uow, parts, ${code}];\n`,
  refused: message,
});
const cases: Case[] = [
  ...[
    'fastify',
    '@prisma/client',
    '../generated/prisma/client.js',
    'amqplib',
    'socket.io',
    'pg',
    '../store/x.js',
  ].map((from, n) => refused(`${domain}/refused${n}.ts`, from, 'domain is pure rules')),
  refused(`${domain}/kit.ts`, '@warren/service-kit', 'domain is pure rules'),
  allowed(`${domain}/contracts.ts`, '@warren/contracts'),
  allowed(`${domain}/delays.ts`, '@warren/timing'),
  allowed(`${domain}/other-contract.ts`, '@warren/user-contract'),
  allowed(`${domain}/kind.ts`, '@warren/notification-contract/notices'),
  allowed(`${domain}/neighbour.ts`, './contracts.js'),
  allowed(`${domain}/notices/inner.ts`, '../contracts.js'),
  refused(`${domain}/notices/outer.ts`, '../../config.js', 'domain is pure rules'),

  // Every rule holds for a service that nobody has thought of yet.
  ...['http', 'commands', 'events', 'jobs'].flatMap((door) => [
    refused(`services/new/src/${door}/store.ts`, '../store/things.js', 'A door imports operations'),
    refused(`${payment}/${door}/deep/store.ts`, '../../store/things.js', 'A door imports operations'),
    refused(`${payment}/${door}/providers.ts`, '../providers/stripe/refunds.js', 'A door imports operations'),
    refused(`${payment}/operations/${door}.ts`, `../${door}/things.js`, notToDoors),
    refused(`${payment}/store/${door}.ts`, `../${door}/things.js`, notToDoors),
    call(`${payment}/${door}/publish.ts`, "tx.publish({ type: 'x' })", onlyOperations),
    call(`${payment}/${door}/run.ts`, 'parts.uow.run(tx, {})', onlyOperations),
    allowed(`${payment}/${door}/operations.ts`, '../operations/pay.js'),
    allowed(`${payment}/${door}/queries.ts`, '../queries/payments.js'),
    allowed(`${payment}/${door}/domain.ts`, '../domain/store.js'),
    allowed(`${payment}/${door}/neighbour.ts`, './operations.js'),
  ]),
  refused(`${payment}/http/events.ts`, '../events/users.js', notToDoors),
  allowed(`${payment}/main.ts`, './http/payments.js'),
  allowed(`${payment}/doors.ts`, './store/database.js'),

  refused(`${payment}/operations/fastify.ts`, 'fastify', 'An operation knows neither HTTP nor sockets'),
  refused(`${payment}/operations/sockets.ts`, '@warren/realtime', 'An operation knows neither'),
  allowed(`${payment}/operations/store.ts`, '../store/payments.js'),
  allowed(`${payment}/operations/providers.ts`, '../providers/provider.js'),
  call(`${payment}/operations/publish.ts`, "tx.publish({ type: 'x' })"),
  call(`${payment}/operations/run.ts`, 'uow.once({}, tx)'),

  refused(`${payment}/store/operations.ts`, '../operations/pay.js', 'The store imports domain'),
  refused(`${payment}/store/providers.ts`, '../providers/provider.js', 'The store imports domain'),
  refused(`${payment}/store/sockets.ts`, '@warren/realtime', 'The store imports domain'),
  call(`${payment}/store/publish.ts`, "tx.publish({ type: 'x' })", onlyOperations),
  call(`${payment}/store/feed.ts`, "tx.feed('user', { type: 'x' })", onlyOperations),
  allowed(`${payment}/store/domain.ts`, '../domain/ledger.js'),
  allowed(`${payment}/store/client.ts`, '../generated/prisma/client.js'),

  refused(`${payment}/queries/operations.ts`, '../operations/pay.js', 'Queries only read'),
  allowed(`${payment}/queries/store.ts`, '../store/database.js'),

  refused(`${payment}/providers/store.ts`, '../store/payments.js', 'A provider imports domain'),
  refused(`${payment}/providers/operations.ts`, '../operations/pay.js', 'A provider imports domain'),
  allowed(`${payment}/providers/domain.ts`, '../domain/ledger.js'),

  refused(`${payment}/http/named.ts`, '@warren/user-service', otherService),
  refused(`${payment}/http/path.ts`, '../../../user/src/main.js', otherService),
  refused(`${payment}/http/contract-path.ts`, '../../../user/contract/src/index.js', otherService),
  refused(`${payment}/http/all.ts`, '@warren/all-in-one', otherService),
  {
    file: `${payment}/http/later.ts`,
    source: "export const user = await import('@warren/user-service');\n",
    refused: otherService,
  },
  refused('services/payment/test/named.ts', '@warren/user-service', otherService),
  refused('services/payment/test/path.ts', '../../user/src/main.js', otherService),
  allowed('services/payment/test/own.ts', '../src/main.js'),
  allowed('services/payment/test/deep/own.ts', '../../src/main.js'),
  refused(`${payment}/events/amqp.ts`, 'amqplib', 'Services publish by tx.publish'),
  refused(`${payment}/events/bus.ts`, '@warren/event-bus', 'Services publish by tx.publish'),
  allowed(`${payment}/http/kit.ts`, '@warren/service-kit'),
  allowed(`${payment}/http/contract.ts`, '@warren/user-contract'),
  allowed(`${payment}/events/user.ts`, '../domain/user/copy.js'),
  allowed('services/all-in-one/src/topology.ts', '@warren/user-service'),
  refused('services/all-in-one/src/amqp.ts', 'amqplib', 'Only amqp-link'),

  ...['@warren/unit-of-work', '@warren/service-kit', '../../src/domain/ledger.js', 'fastify'].map((from, n) =>
    refused(`services/payment/contract/src/refused${n}.ts`, from, 'A contract package imports only'),
  ),
  allowed('services/payment/contract/src/contracts.ts', '@warren/contracts'),
  allowed('services/payment/contract/src/other.ts', '@warren/user-contract'),
  allowed('services/payment/contract/src/deep/near.ts', '../events.js'),

  refused('packages/service-kit/src/named.ts', '@warren/user-service', 'Packages never import services'),
  refused(
    'packages/event-bus/src/path.ts',
    '../../../services/user/src/main.js',
    'Packages never import services',
  ),
  refused('packages/node-bus/src/named.ts', '@warren/user-service', 'Packages never import services'),
  refused('packages/e2e/test/named.ts', '@warren/user-service', 'Packages never import services'),

  refused('packages/service-kit/src/contract.ts', '@warren/user-contract', 'takes contracts as arguments'),
  allowed('packages/service-kit/test/contract.ts', '@warren/user-contract'),

  refused('packages/service-kit/src/amqp.ts', 'amqplib', 'Only amqp-link'),
  refused('packages/realtime/src/feed/amqp.ts', 'amqplib', 'Only amqp-link'),
  ...['amqp-link/src', 'chaos/src', 'event-bus/src/rabbitmq', 'node-bus/src/rabbitmq', 'testing/src'].map(
    (place) => allowed(`packages/${place}/amqp.ts`, 'amqplib'),
  ),

  refused('packages/chaos/src/checks/kit.ts', '@warren/unit-of-work', 'shares nothing with what it checks'),
  refused(
    'packages/chaos/src/checks/contracts.ts',
    '@warren/contracts',
    'shares nothing with what it checks',
  ),
  refused('packages/chaos/src/system/named.ts', '@warren/user-service', 'shares nothing with what it checks'),
  refused(
    'packages/chaos/src/system/path.ts',
    '../../../../services/user/src/main.js',
    'shares nothing with what it checks',
  ),
  allowed('packages/chaos/src/system/servers.ts', '@warren/testing'),

  refused('packages/contracts/src/ours.ts', '@warren/unit-of-work', 'imports nothing of ours'),
  refused('packages/contracts/src/path.ts', '../../packages/testing/src/index.js', 'imports nothing of ours'),
  refused('packages/contracts/src/server.ts', 'fastify', 'knows no servers'),
  allowed('packages/contracts/src/library.ts', 'typebox'),
  allowed('packages/contracts/src/index.ts', './money.js'),

  refused('packages/timing/src/ours.ts', '@warren/contracts', 'timing imports nothing of ours'),
  refused('packages/timing/src/node.ts', 'node:timers/promises', 'timing is also loaded by browsers'),
  allowed('packages/client/src/timing.ts', '@warren/timing'),

  refused('packages/client/src/ours.ts', '@warren/event-bus', 'client imports only contracts'),
  refused('packages/client/src/node.ts', 'node:fs', 'client runs in browsers'),
  allowed('packages/client/src/contracts.ts', '@warren/contracts'),
  allowed('packages/client/src/service.ts', '@warren/payment-contract'),

  { file: 'packages/service-kit/src/any.ts', source: 'export const x: any = 1;\n', refused: 'any' },
  {
    file: 'packages/service-kit/src/floating.ts',
    source: 'async function work() {\n  return 1;\n}\nexport function start() {\n  work();\n}\n',
    refused: 'Promise',
  },
  {
    file: 'packages/unit-of-work/src/one.ts',
    source: "export { two } from './two.js';\nexport const one = 1;\n",
    refused: 'cycle',
  },
  {
    file: 'packages/unit-of-work/src/two.ts',
    source: "import { one } from './one.js';\nexport const two = one;\n",
    refused: 'cycle',
  },
];

describe('the import rules', () => {
  let folder: string;
  let found: Map<string, string[]>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-boundaries-'));
    await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const rules = Object.entries(boundaries()).map(([file, source]) => ({ file, source }));
    for (const { file, source } of [...rules, ...cases]) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), source);
    }
    found = await lint(folder);
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(cases.filter((one) => one.refused))('refuse $file', ({ file, refused: message }) => {
    expect(found.get(file)?.join('\n') ?? '').toContain(message);
  });

  it.each(cases.filter((one) => !one.refused))('allow $file', ({ file }) => {
    expect(found.get(file) ?? []).toEqual([]);
  });

  it('allow a service no folder that they do not know', async () => {
    const unknown: string[] = [];
    for (const service of await foldersIn('services')) {
      if (service === 'services/all-in-one') continue;
      for (const place of await foldersIn(`${service}/src`)) {
        if (![...knownRooms, 'generated'].includes(basename(place))) unknown.push(place);
      }
    }
    expect(unknown).toEqual([]);
  });
});

async function foldersIn(place: string): Promise<string[]> {
  const entries = await readdir(join(root, place), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${place}/${name}`);
}

interface Report {
  diagnostics: { category: string; message: string; location: { path: string } }[];
}

/** The linter's messages by file, without the rule on undeclared dependencies: the folder has no manifests. */
async function lint(folder: string): Promise<Map<string, string[]>> {
  const biome = join(root, 'node_modules/.bin/biome');
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const output = await new Promise<string>((done) => {
    execFile(biome, args, { cwd: folder, maxBuffer: 10_000_000 }, (_error, stdout) => done(stdout));
  });
  const { diagnostics } = JSON.parse(output) as Report;
  const found = new Map<string, string[]>();
  for (const { category, message, location } of diagnostics) {
    if (category === 'lint/correctness/noUndeclaredDependencies') continue;
    found.set(location.path, [...(found.get(location.path) ?? []), message]);
  }
  return found;
}
