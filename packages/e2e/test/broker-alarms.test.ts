import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type BrokerProcess,
  eventually,
  named,
  openServerFolder,
  quietPorts,
  type ServerFolder,
  startBrokerProcess,
  type TestDatabase,
  testDatabase,
  unavailable,
} from '@warren/testing';
import { connect } from 'amqplib';
import pg from 'pg';
import { Person } from './support/person.js';
import { Program } from './support/process.js';
import type { SocketLog } from './support/socket-log.js';

/** The limit of unpublished events, and the number of requests after it is reached. */
const backlog = 300;
const furtherRequests = 1_000;
/** Enough people that none of them reaches their rate limit. */
const peopleCount = 60;
/** Far below the growth that a leak per request would cause. */
const maxGrowthMiB = 48;
/** A small heap, so that garbage is collected in time even on a busy machine. */
const smallHeap = '--max-old-space-size=96 --max-semi-space-size=4';

interface Health {
  status: string;
  checks: Record<string, string>;
}

const missing = unavailable('rabbitmq-process');

(missing ? describe.skip : describe)(named('a broker that is short of memory or disk', missing), () => {
  let serverFolder: ServerFolder;
  let broker: BrokerProcess;
  let database: TestDatabase;
  let program: Program;
  let url: string;
  let internal: string;
  let received: Set<string>;
  let closeListener: () => Promise<void>;

  beforeAll(async () => {
    serverFolder = await openServerFolder();
    const [amqp = 0, dist = 0, management = 0, names = 0, port = 0, internalPort = 0] = await quietPorts(6);
    broker = await startBrokerProcess(serverFolder, { amqp, dist, management, names });
    database = await testDatabase();
    url = `http://127.0.0.1:${port}`;
    internal = `http://127.0.0.1:${internalPort}`;
    program = await Program.start(
      ['services/user/dist/main.js'],
      {
        AMQP_URL: broker.url,
        DATABASE_URL: database.url,
        HOST: '127.0.0.1',
        PORT: `${port}`,
        INTERNAL_PORT: `${internalPort}`,
        OUTBOX_BACKLOG: `${backlog}`,
        REGISTRATIONS_PER_MINUTE: '1000',
        DRAIN_SECONDS: '0',
        LOG_LEVEL: 'error',
        NODE_OPTIONS: smallHeap,
      },
      [port],
    );
    [received, closeListener] = await listen(broker.url);
  }, 120_000);
  afterAll(async () => {
    await closeListener?.();
    await program?.stop();
    await database?.close();
    await broker?.close();
    await serverFolder?.close();
  }, 60_000);

  let people: Person[];
  let socket: SocketLog;
  beforeEach(async () => {
    const system = { urls: () => [url], close: async () => undefined };
    people = [];
    while (people.length < peopleCount) people.push(await Person.register(system, 'Ada'));
    socket = await (people[0] as Person).connect('user');
  }, 120_000);

  it.each(['memory', 'disk'] as const)(
    'lets services work up to the backlog and then refuse with a temporary error in constant memory, and loses nothing (%s)',
    async (shortage) => {
      await broker.alarms.raise(shortage);
      const accepted: { id: string; version: number }[] = [];
      let requests = 0;
      const rename = async () => {
        requests += 1;
        const person = people[requests % peopleCount] as Person;
        const displayName = `Ada ${requests}`;
        const { status, body } = await person.http('user', 'PATCH', '/users/me', { displayName });
        if (status === 200) accepted.push({ id: person.id, version: body.version as number });
        return { status, body };
      };
      await eventually(
        async () => {
          await rename();
          expect(await health(url)).toMatchObject({ status: 'degraded', checks: { broker: 'degraded' } });
        },
        { within: 30_000 },
      );

      let answer = await rename();
      for (let tries = 0; answer.status === 200 && tries < 4 * backlog; tries += 1) answer = await rename();
      expect(answer).toMatchObject({ status: 503, body: { code: 'service-overloaded', temporary: true } });
      expect(accepted.length).toBeGreaterThan(backlog / 2);
      expect(accepted.length).toBeLessThan(2 * backlog + 100);

      const before = await residentMiB(internal);
      for (let done = 0; done < furtherRequests; done += 10) {
        const refused = await Promise.all(Array.from({ length: 10 }, rename));
        expect([...new Set(refused.map(({ status }) => status))]).toEqual([503]);
      }
      expect((await residentMiB(internal)) - before).toBeLessThan(maxGrowthMiB);
      expect(await health(url)).toMatchObject({ status: 'degraded' });
      // The browser receives every accepted change without the broker.
      const [first] = people as [Person];
      const own = accepted.filter(({ id }) => id === first.id).map(({ version }) => version);
      expect(own.length).toBeGreaterThan(0);
      await eventually(() => expect(socket.entries.map(({ data }) => data.version)).toEqual(own));

      await broker.alarms.clear(shortage);
      await eventually(async () => expect(await health(url)).toMatchObject({ status: 'ok' }), {
        within: 60_000,
      });
      await eventually(async () => expect((await rename()).status).toBe(200), { within: 60_000 });
      await eventually(
        () => {
          const missing = accepted.filter(({ id, version }) => !received.has(`${id} ${version}`));
          expect(missing).toEqual([]);
        },
        { within: 60_000 },
      );
      await eventually(async () => expect(await unpublished(database.url)).toBe(0), { within: 30_000 });
      first.leave();
    },
    180_000,
  );
});

/** Acts as the other services: collects the events that they receive, as `<id> <version>`. */
async function listen(url: string): Promise<[Set<string>, () => Promise<void>]> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, 'warren.events', '#');
  const received = new Set<string>();
  await channel.consume(
    queue,
    (message) => {
      // Services also send empty messages to check their bindings.
      if (!message || message.content.length === 0) return;
      const event = JSON.parse(message.content.toString()) as Record<string, unknown>;
      received.add(`${event.subject} ${event.entityversion}`);
    },
    { noAck: true },
  );
  return [received, () => connection.close()];
}

async function health(url: string): Promise<Health> {
  return (await fetch(`${url}/health/ready`)).json() as Promise<Health>;
}

async function residentMiB(internal: string): Promise<number> {
  const metrics = await (await fetch(`${internal}/metrics`)).text();
  const [, bytes] = /^process_resident_memory_bytes\S* (\S+)$/m.exec(metrics) ?? [];
  if (!bytes) throw new Error('no process_resident_memory_bytes among the metrics');
  return Number(bytes) / 2 ** 20;
}

async function unpublished(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query(
      'SELECT count(*)::int AS n FROM messaging.outbox WHERE published_at IS NULL',
    );
    return rows[0].n;
  } finally {
    await client.end();
  }
}
