import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = resolve(import.meta.dirname, '../../..');

interface Case {
  file: string;
  source: string;
  /** Part of what the linter must say; `undefined` where the import is allowed. */
  refused: string | undefined;
}

const imports = (from: string) => `import * as it from '${from}';\nexport const used = it;\n`;
const refused = (file: string, from: string, message: string): Case => ({
  file,
  source: imports(from),
  refused: message,
});
const allowed = (file: string, from: string): Case => ({ file, source: imports(from), refused: undefined });

const domain = 'services/payment/src/domain';
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
  allowed(`${domain}/neighbour.ts`, './contracts.js'),

  refused('services/payment/src/http/named.ts', '@warren/user-service', 'No service imports another'),
  refused('services/payment/src/http/path.ts', '../../../user/src/main.js', 'No service imports another'),
  refused('services/payment/src/http/all.ts', '@warren/all-in-one', 'No service imports another'),
  {
    file: 'services/payment/src/http/later.ts',
    source: "export const user = await import('@warren/user-service');\n",
    refused: 'No service imports another',
  },
  refused('services/payment/test/named.ts', '@warren/user-service', 'No service imports another'),
  refused('services/payment/src/events/amqp.ts', 'amqplib', 'Services publish by tx.publish'),
  refused('services/payment/src/events/bus.ts', '@warren/event-bus', 'Services publish by tx.publish'),
  allowed('services/payment/src/http/kit.ts', '@warren/service-kit'),
  allowed('services/payment/src/events/user.ts', '../domain/user/copy.js'),
  allowed('services/all-in-one/src/topology.ts', '@warren/user-service'),
  refused('services/all-in-one/src/amqp.ts', 'amqplib', 'Only amqp-link'),

  refused('packages/service-kit/src/named.ts', '@warren/user-service', 'Packages never import services'),
  refused(
    'packages/event-bus/src/path.ts',
    '../../../services/user/src/main.js',
    'Packages never import services',
  ),
  refused('packages/realtime/src/nodes/named.ts', '@warren/user-service', 'Packages never import services'),
  refused('packages/e2e/test/named.ts', '@warren/user-service', 'Packages never import services'),

  refused('packages/service-kit/src/amqp.ts', 'amqplib', 'Only amqp-link'),
  refused('packages/realtime/src/feed/amqp.ts', 'amqplib', 'Only amqp-link'),
  ...['amqp-link/src', 'chaos/src', 'event-bus/src/rabbitmq', 'realtime/src/nodes', 'testing/src'].map(
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
  allowed('packages/contracts/src/index.ts', './services/user.js'),

  refused('packages/client/src/ours.ts', '@warren/event-bus', 'client imports only contracts'),
  refused('packages/client/src/node.ts', 'node:fs', 'client runs in browsers'),
  allowed('packages/client/src/contracts.ts', '@warren/contracts'),

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

describe('import boundaries', () => {
  let folder: string;
  let found: Map<string, string[]>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-boundaries-'));
    await copyFile(join(root, 'biome.json'), join(folder, 'biome.json'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, source } of cases) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), source);
    }
    found = await lint(folder);
  }, 60_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(cases.filter((one) => one.refused))('refuses $file', ({ file, refused: message }) => {
    expect(found.get(file)?.join('\n') ?? '').toContain(message);
  });

  it.each(cases.filter((one) => !one.refused))('allows $file', ({ file }) => {
    expect(found.get(file) ?? []).toEqual([]);
  });
});

interface Report {
  diagnostics: { category: string; message: string; location: { path: string } }[];
}

/** What the linter says about each file. Dependencies can't be looked up: the folder has no manifests. */
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
