import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { createRabbitMqNodeBus } from '@warren/node-bus';
import { createRealtime } from '@warren/realtime';
import { createTokenVerifier } from '@warren/service-kit';
import { Cleanup } from '@warren/testing';
import {
  createUnitOfWork,
  type FeedReader,
  migrateMessaging,
  type RawClient,
  react,
  type Tx,
} from '@warren/unit-of-work';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import pg from 'pg';
import { pino } from 'pino';
import { rawStore } from '../warren/raw-store.js';
import { contract, newsTold, service } from './contract.js';

export interface StormNodeOptions {
  node: string;
  databaseUrl: string;
  amqpUrl: string;
  /** The public keys of the tokens, as JSON. */
  jwks: string;
  /** Each broadcast becomes an entry in the feed of each of these users. */
  users: readonly string[];
  /** The duration of one round of the sweep in milliseconds. Default: the realtime node's. */
  sweepMs?: number;
  /** The size of the database pool. Default 10. */
  connections?: number;
  /** Delays the results of feed reads, as a database under load does, in milliseconds. Default 0. */
  feedDelayMs?: number;
}

/** One instance of the service in this process. */
export interface StormNode {
  port: number;
  /** Publishes one numbered broadcast, and resolves when it is committed. The node that consumes it writes the feeds. */
  broadcast(number: number): Promise<void>;
  /** Runs a transaction that writes nothing. */
  transact(): Promise<void>;
  /** The number of sockets that wait until their feed is read. */
  readonly opening: number;
  close(): Promise<void>;
}

/** Unlimited, because all clients have the same address. */
const limits = { handshakesPerMinute: 1_000_000, unjoinedPerAddress: 1_000_000 };

/** Opens the realtime node, unit of work, bus and link of one instance. Closes everything again if it fails. */
export async function openStormNode(options: StormNodeOptions): Promise<StormNode> {
  const cleanup = new Cleanup();
  try {
    return await open(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function open(options: StormNodeOptions, cleanup: Cleanup): Promise<StormNode> {
  const { node, amqpUrl: url, users, sweepMs } = options;
  const log = pino({ level: process.env.LOG_LEVEL ?? 'error' }, process.stderr);
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.connections ?? 10,
    pipeline: true,
  });
  cleanup.defer('pool', () => pool.end());
  await migrateMessaging(pool);
  const client = rawStore.client(pool);
  const bus = createRabbitMqEventBus({ url, service, log });
  cleanup.defer('bus', () => bus.close());
  const messaging = createUnitOfWork({ contract, client, pool, bus, log });
  cleanup.defer('messaging', () => messaging.stop());
  const nodes = createRabbitMqNodeBus({ url, service, node, log });
  cleanup.defer('node bus', () => nodes.close());

  const server = createServer((_request, response) => response.writeHead(404).end());
  cleanup.defer('server', () => new Promise<void>((resolve) => server.close(() => resolve())));
  const realtime = createRealtime({
    server,
    service,
    node,
    path: '/socket.io',
    corsOrigins: [],
    polling: false,
    verifyToken: createTokenVerifier({
      issuer: 'urn:warren:user',
      audience: 'warren',
      keys: createLocalJWKSet(JSON.parse(options.jwks) as JSONWebKeySet),
    }),
    feeds: feedsOf(messaging.feeds, options),
    commands: [],
    nodes,
    limits,
    ...(sweepMs !== undefined && { sweepMs }),
    log,
  });
  cleanup.defer('sockets', () => realtime.close());
  messaging.onCommitted((entries) => realtime.committed(entries));
  await messaging.start({ handlers: [tellEveryone(users)] });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    broadcast: (number) =>
      messaging.uow.run(async (tx) => {
        tx.publish({ type: newsTold, subject: randomUUID(), version: 1, data: { number } });
      }),
    transact: () => messaging.uow.run(async (tx) => void (await tx.$queryRawUnsafe('SELECT 1 AS one'))),
    get opening() {
      return realtime.stats().opening;
    },
    close: async () => void (await cleanup.run()),
  };
}

function feedsOf(feeds: FeedReader, { feedDelayMs = 0 }: StormNodeOptions): FeedReader {
  return feedDelayMs > 0 ? slowFeeds(feeds, feedDelayMs) : feeds;
}

function tellEveryone(users: readonly string[]) {
  return react(contract, newsTold, {
    users: () => users,
    async handle(tx: Tx<RawClient, typeof contract>, { data }) {
      for (const user of users) tx.feed(user, { type: newsTold, data });
    },
  });
}

/** Returns each result of the feeds `ms` milliseconds late. */
function slowFeeds(feeds: FeedReader, ms: number): FeedReader {
  const late = async <T>(answer: Promise<T>): Promise<T> => {
    const value = await answer;
    await sleep(ms);
    return value;
  };
  return {
    head: (userId) => late(feeds.head(userId)),
    heads: (userIds) => late(feeds.heads(userIds)),
    read: (userId, after, limit) => late(feeds.read(userId, after, limit)),
    floor: (userId) => late(feeds.floor(userId)),
    readMany: (questions, most) => late(feeds.readMany(questions, most)),
    sameEpoch: feeds.sameEpoch,
    resolve: (userId, cursor) => late(feeds.resolve(userId, cursor)),
  };
}
