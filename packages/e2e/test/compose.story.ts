// Run by `npm run compose-story`, not by `npm test`, because it needs a Docker engine and builds images.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { ComposeSystem, cpuSeconds } from './support/compose.js';
import { Person } from './support/person.js';
import { root } from './support/process.js';
import { describeStory, expectGapless, ofKind } from './support/story.js';
import { services } from './support/system.js';

/** The maximum share of a core that an idle container may use, including its health checks. */
const idleShares = { user: 0.04, payment: 0.04, notification: 0.04, rabbitmq: 0.05, postgres: 0.04 };
const idleSeconds = 60;

describe('docker compose up', () => {
  let system: ComposeSystem;
  beforeAll(async () => {
    system = await ComposeSystem.create();
    await system.up();
  }, 1_200_000);
  afterAll(() => system?.close(), 180_000);

  describeStory(() => system);

  it('makes each service ready, including its connection to the broker', async () => {
    for (const service of services) {
      await eventually(async () => {
        const response = await fetch(`${system.urls(service)[0]}/health/ready`);
        expect({ service, status: ((await response.json()) as { status: string }).status }).toEqual({
          service,
          status: 'ok',
        });
      });
    }
  });

  it('uses images without declarations, source maps, lock files and tests', async () => {
    const names = ['*.d.ts', '*.d.mts', '*.map', '*.test.js', 'pnpm-lock.yaml', 'lock.yaml', 'tsconfig.json'];
    const script = `find /app ${names.map((name) => `-name '${name}'`).join(' -o ')}`;
    for (const service of services) {
      expect({ service, found: await system.exec(service, 'sh', '-c', script) }).toEqual({
        service,
        found: '',
      });
    }
  });

  it('puts no password into the environment of a container', async () => {
    for (const name of [...services, 'postgres', 'rabbitmq']) {
      const environment = await system.exec(name, 'env');
      expect({ name, found: /development-only/.exec(environment)?.[0] }).toEqual({ name, found: undefined });
    }
  });

  it('keeps mails when containers restart, and a client receives exactly the entries that it missed', async () => {
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    const hears = await grace.connect('notification');
    expect((await ada.pay(grace, 100)).status).toBe(201);
    await hears.entry('notification.created', ofKind('payment-received'));
    const mails = async () => (await system.exec('notification', 'ls', '/data/mail')).split('\n');
    const before = await eventually(async () => {
      const list = await mails();
      expect(list.filter((name) => name.endsWith('.eml')).length).toBeGreaterThan(0);
      return list;
    });

    await system.down();
    await system.up();
    expect(await mails()).toEqual(expect.arrayContaining(before));
    expect((await ada.pay(grace, 101)).status).toBe(201);
    await eventually(
      () => expect(hears.entries.filter(({ data }) => ofKind('payment-received')(data))).toHaveLength(2),
      { within: 60_000 },
    );
    expectGapless(hears);
    ada.leave();
    grace.leave();
  }, 600_000);

  it('gives changed broker passwords to the broker and the services at the next `up`', async () => {
    // In the checkout, because the engine can mount that.
    await mkdir(join(root, '.cache'), { recursive: true });
    const folder = await mkdtemp(join(root, '.cache/compose-story-'));
    try {
      const broker = await system.container('rabbitmq');
      const file = join(root, 'k8s/overlays/quickstart/rabbitmq/definitions.json');
      const definitions = JSON.parse(await readFile(file, 'utf8'));
      for (const user of definitions.users) user.password = 'changed';
      await writeFile(join(folder, 'definitions.json'), JSON.stringify(definitions));
      const shipped = join(root, 'compose/development-only');
      for (const name of await readdir(shipped)) {
        const text = await readFile(join(shipped, name), 'utf8');
        const changed = name.endsWith('-amqp-url') ? text.replace('development-only', 'changed') : text;
        await writeFile(join(folder, name), changed);
      }
      await system.up({
        WARREN_SECRETS: folder,
        WARREN_BROKER_DEFINITIONS: join(folder, 'definitions.json'),
        WARREN_SECRETS_DIGEST: 'changed',
      });
      expect(await system.container('rabbitmq')).not.toBe(broker);
      const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
      const hears = await grace.connect('notification');
      expect((await ada.pay(grace, 102)).status).toBe(201);
      await hears.entry('notification.created', ofKind('payment-received'));
      ada.leave();
      grace.leave();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 600_000);

  it('uses almost no CPU while idle, including the health checks', async () => {
    const names = Object.keys(idleShares) as (keyof typeof idleShares)[];
    const read = () => Promise.all(names.map((name) => cpuSeconds(system, name)));
    // Repeated, because containers work for a while after they have started.
    const shares = await eventually(
      async () => {
        const [began, before] = [performance.now(), await read()];
        await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000));
        const after = await read();
        const seconds = (performance.now() - began) / 1_000;
        const used = names.map((name, index) => [
          name,
          Number((((after[index] ?? 0) - (before[index] ?? 0)) / seconds).toFixed(4)),
        ]);
        const found = Object.fromEntries(used) as typeof idleShares;
        for (const name of names)
          expect({ name, above: Math.max(0, found[name] - idleShares[name]) }).toEqual({ name, above: 0 });
        return found;
      },
      { within: 5 * idleSeconds * 1_000 },
    );
    process.stderr.write(`shares of a core while idle: ${JSON.stringify(shares)}\n`);
  }, 600_000);
});
