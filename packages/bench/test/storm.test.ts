import { afterEach, describe, expect, it } from '@jest/globals';
import { Cleanup, eventually, testBroker, testDatabase } from '@warren/testing';
import pg from 'pg';
import { io } from 'socket.io-client';
import { noFaults } from '../src/storm/client.js';
import { openStormNode } from '../src/storm/node.js';
import { playStorm } from '../src/storm/play.js';
import { Swarm } from '../src/storm/swarm.js';
import { createTokens } from '../src/systems/tokens.js';

describe('a reconnect storm', () => {
  let cleanup = new Cleanup();
  afterEach(async () => {
    await cleanup.run();
    cleanup = new Cleanup();
  });

  /**
   * No sweep runs, so that it can't repair what replay and push leave out. Feeds are read late, so that the last
   * broadcast is written while sockets resume.
   */
  it('delivers every entry to every client although all are cut during broadcasts', async () => {
    const [database, broker] = [await testDatabase(), await testBroker()];
    cleanup.defer('database', () => database.close());
    cleanup.defer('broker', () => broker.close());
    const tokens = await createTokens();
    const people = await tokens.people(25);
    const users = people.map(({ id }) => id);
    const open = async (name: string) => {
      const node = await openStormNode({
        node: name,
        databaseUrl: database.url,
        amqpUrl: broker.url,
        jwks: tokens.jwks,
        users,
        sweepMs: 3_600_000,
        feedDelayMs: 200,
      });
      cleanup.defer(name, () => node.close());
      return node;
    };
    const nodes = [await open('one'), await open('two')];
    const ports = nodes.map(({ port }) => port);
    const tabs = people.flatMap((person) => Array.from({ length: 4 }, () => person));
    const swarm = new Swarm(tabs.map((person, index) => ({ person, ports, first: index, reconnectMs: 20 })));
    cleanup.defer('swarm', async () => swarm.close());
    const handle = {
      standing: async () => swarm.standing,
      cut: async () => swarm.cut(),
      report: async () => swarm.report(),
    };

    const plan = { clients: 100, broadcasts: 10, cuts: 2, intervalMs: 100, timeoutMs: 15_000 };
    const result = await playStorm(plan, nodes, [handle], () => undefined);
    expect(result).toMatchObject({ clients: 100, cuts: 200, head: 11, incomplete: 0, faults: noFaults() });
    // At least one per client: a client that is cut again before it has caught up has only one.
    expect(result.replays.length).toBeGreaterThanOrEqual(100);
    expect(await headsOf(database.url)).toEqual(users.map(() => 11));
  }, 60_000);

  /**
   * The locked table blocks every read of a feed, which then holds its connection. Reading each socket's feed separately
   * would take all connections.
   */
  it('leaves connections for transactions while hundreds of sockets wait for their feeds', async () => {
    const [database, broker] = [await testDatabase(), await testBroker()];
    cleanup.defer('database', () => database.close());
    cleanup.defer('broker', () => broker.close());
    const tokens = await createTokens();
    const people = await tokens.people(300);
    const options = { node: 'one', databaseUrl: database.url, amqpUrl: broker.url, jwks: tokens.jwks };
    const node = await openStormNode({
      ...options,
      users: people.map(({ id }) => id),
      sweepMs: 3_600_000,
      connections: 4,
    });
    cleanup.defer('node', () => node.close());
    await node.transact();
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    cleanup.defer('locker', () => locker.end());
    await locker.query('BEGIN; LOCK TABLE messaging.feed');

    const swarm = new Swarm(people.map((person) => ({ person, ports: [node.port], first: 0 })));
    cleanup.defer('swarm', async () => swarm.close());
    await eventually(() => expect(node.opening).toBeGreaterThan(250), { within: 30_000 });
    for (let count = 0; count < 20; count += 1) await node.transact();
    expect(swarm.standing.ready).toBe(0);
    await locker.query('COMMIT');
    await eventually(() => expect(swarm.standing.ready).toBe(300), { within: 30_000 });
    expect(swarm.report().faults).toEqual(noFaults());
  }, 90_000);

  /** As above, the locked table blocks every read of a feed. */
  it('leaves connections for transactions while one user sends many pulls', async () => {
    const [database, broker] = [await testDatabase(), await testBroker()];
    cleanup.defer('database', () => database.close());
    cleanup.defer('broker', () => broker.close());
    const tokens = await createTokens();
    const [person] = await tokens.people(1);
    const shared = { databaseUrl: database.url, amqpUrl: broker.url, jwks: tokens.jwks, users: [] };
    const node = await openStormNode({ ...shared, node: 'one', sweepMs: 3_600_000, connections: 4 });
    cleanup.defer('node', () => node.close());
    const sockets = Array.from({ length: 10 }, () =>
      io(`http://127.0.0.1:${node.port}/herald`, {
        transports: ['websocket'],
        forceNew: true,
        auth: { token: person?.token },
      }),
    );
    cleanup.defer('sockets', async () => void sockets.map((socket) => socket.disconnect()));
    await Promise.all(
      sockets.map((socket) => new Promise<void>((ready) => socket.once('session.ready', () => ready()))),
    );
    const locker = new pg.Client({ connectionString: database.url });
    await locker.connect();
    cleanup.defer('locker', () => locker.end());
    await locker.query('BEGIN; LOCK TABLE messaging.feed');

    const answers: { ok: boolean; error?: { code: string } }[] = [];
    for (const socket of sockets) {
      for (let count = 0; count < 10; count += 1) socket.emit('feed.pull', {}, answers.push.bind(answers));
    }
    // One pull runs and four wait.
    await eventually(() => expect(answers).toHaveLength(95));
    for (const { error } of answers) expect(error?.code).toBe('rate-limited');
    for (let count = 0; count < 20; count += 1) await node.transact();
    await locker.query('COMMIT');
    await eventually(() => expect(answers.filter(({ ok }) => ok)).toHaveLength(5));
  }, 60_000);
});

async function headsOf(url: string): Promise<number[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ seq: string }>('SELECT seq FROM messaging.feed_head');
    return rows.map(({ seq }) => Number(seq));
  } finally {
    await client.end();
  }
}
