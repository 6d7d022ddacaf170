import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { createRabbitMqNodeLink, createRealtime } from '@warren/realtime';
import { createTokenVerifier } from '@warren/service-kit';
import {
  createUnitOfWork,
  type FeedReader,
  migrateMessaging,
  type RawClient,
  type ReactHandler,
} from '@warren/unit-of-work';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import pg from 'pg';
import { pino } from 'pino';
import { Cleanup } from '../processes/cleanup.js';
import { rawStore } from '../warren/raw-store.js';
import { contract, type News, newsTold, service } from './contract.js';
import { slowFeeds } from './slow-feeds.js';

export interface StormNodeOptions {
  node: string;
  databaseUrl: string;
  amqpUrl: string;
  /** The public keys of the tokens, as JSON. */
  jwks: string;
  /** Everyone: each broadcast becomes an entry in each of their feeds. */
  users: readonly string[];
  /** Milliseconds of one round of the sweep; the realtime node's default if left out. */
  sweepMs?: number;
  /** Connections of the pool. Default 10. */
  connections?: number;
  /** Milliseconds by which answers about feeds come late, as from a database under load. Default 0. */
  feedDelayMs?: number;
}

/** One instance of the service in this process. */
export interface StormNode {
  port: number;
  /** Publishes one numbered broadcast; resolves when it is committed here. Whichever node takes it writes the feeds. */
  broadcast(number: number): Promise<void>;
  /** A transaction that writes nothing. */
  transact(): Promise<void>;
  /** Sockets that wait for their feed to be looked up. */
  readonly opening: number;
  close(): Promise<void>;
}

/** All clients come from one address. */
const limits = { handshakesPerMinute: 1_000_000, unjoinedPerAddress: 1_000_000 };

/** Opens the realtime node, the unit of work, bus and link of one instance. What is open is closed if it fails. */
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
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: options.connections ?? 10 });
  cleanup.defer('pool', () => pool.end());
  await migrateMessaging(pool);
  const client = rawStore.client(pool);
  const bus = createRabbitMqEventBus({ url, service, log });
  cleanup.defer('bus', () => bus.close());
  const messaging = createUnitOfWork({ service, contract, client, pool, bus, log });
  cleanup.defer('messaging', () => messaging.stop());
  const link = createRabbitMqNodeLink({ url, service, node, log });
  cleanup.defer('link', () => link.close());

  const server = createServer((_request, response) => response.writeHead(404).end());
  cleanup.defer('server', () => new Promise((resolve) => server.close(() => resolve())));
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
    link,
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
    close: () => cleanup.run(),
  };
}

function feedsOf(feeds: FeedReader, { feedDelayMs = 0 }: StormNodeOptions): FeedReader {
  return feedDelayMs > 0 ? slowFeeds(feeds, feedDelayMs) : feeds;
}

function tellEveryone(users: readonly string[]): ReactHandler<RawClient> {
  return {
    kind: 'react',
    type: newsTold,
    users: () => users,
    async handle(tx, event) {
      const data = event.data as News;
      for (const user of users) tx.feed(user, { type: newsTold, data });
    },
  };
}
