import { randomUUID } from 'node:crypto';
import type { ServiceContract } from '@warren/contracts';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { Cleanup } from '@warren/testing';
import {
  createUnitOfWork,
  type Messaging,
  migrateMessaging,
  type RawClient,
  react,
  type Tx,
  type UnitOfWork,
} from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { rawStore } from '../warren/raw-store.js';
import { lineWritten, reader, scribe } from './contract.js';

export interface NodeOptions {
  /**
   * - `relaying`: writes, and notifies its own relay of each commit.
   * - `writing`: writes without a relay: another instance's relay finds its rows by polling.
   * - `reading`: consumes.
   */
  role: 'relaying' | 'writing' | 'reading';
  databaseUrl: string;
  amqpUrl: string;
  /** The maximum number of events per consuming transaction. Default 50. */
  batchSize?: number;
}

export interface Load {
  events: number;
  perTransaction: number;
  /** The number of concurrent transactions. */
  concurrency: number;
}

export interface CurveNode {
  write(load: Load): Promise<void>;
  stats(): ReturnType<Messaging<RawClient>['stats']>;
  close(): Promise<void>;
}

const text = 'x'.repeat(300);
const readers = 100;

/** Opens one instance of a service's unit of work with a real database and broker. */
export async function openNode(options: NodeOptions): Promise<CurveNode> {
  const { role, amqpUrl: url, batchSize = 50 } = options;
  const contract: ServiceContract = role === 'reading' ? reader : scribe;
  const { service } = contract;
  const log = pino({ level: process.env.LOG_LEVEL ?? 'error' }, process.stderr);
  const cleanup = new Cleanup();
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 10, pipeline: true });
  cleanup.defer('pool', () => pool.end());
  await migrateMessaging(pool);
  const bus = createRabbitMqEventBus({ url, service, log });
  cleanup.defer('bus', () => bus.close());
  const limits = { batchSize, prefetch: Math.max(100, 2 * batchSize) };
  const client = rawStore.client(pool);
  const messaging = createUnitOfWork({
    contract,
    client,
    pool,
    bus,
    log,
    limits,
  });
  cleanup.defer('messaging', () => messaging.stop());
  if (role !== 'writing') await messaging.start({ handlers: role === 'reading' ? [toFeed] : [] });
  return {
    write: (load) => write(messaging.uow, load),
    stats: () => messaging.stats(),
    close: async () => void (await cleanup.run()),
  };
}

const toFeed = react(scribe, lineWritten, {
  users: ({ data }) => [userOf(data)],
  async handle(tx: Tx<RawClient>, { data }) {
    tx.feed(userOf(data), { type: lineWritten, data });
  },
});

const userOf = ({ number }: { number: number }) => `user-${number % readers}`;

async function write(
  uow: UnitOfWork<RawClient>,
  { events, perTransaction, concurrency }: Load,
): Promise<void> {
  let started = 0;
  const worker = async () => {
    while (started < events) {
      const first = started;
      const count = Math.min(perTransaction, events - first);
      started += count;
      await uow.run(async (tx) => {
        for (let number = first; number < first + count; number += 1) {
          tx.publish({ type: lineWritten, subject: randomUUID(), version: 1, data: { number, text } });
        }
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
