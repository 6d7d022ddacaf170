import { createRabbitMqEventBus } from '@warren/event-bus';
import pg from 'pg';
import { pino } from 'pino';
import { type Bench, withBench } from '../bench.js';
import type { Child } from '../processes/child.js';
import { lineWritten, reader } from './contract.js';
import type { NodeOptions } from './node.js';

const answerTimeoutMs = 60_000;

/** A database, a vhost and processes for one measurement. */
export class Stage {
  readonly databaseUrl: string;
  readonly amqpUrl: string;
  readonly bench: Bench;
  readonly #database: pg.Pool;
  #nodes = 0;

  /** Runs one measurement and removes everything again, so that each measurement starts from the same state. */
  static async with<T>(stop: AbortSignal, measure: (stage: Stage) => Promise<T>): Promise<T> {
    stop.throwIfAborted();
    return withBench(undefined, async (bench) => {
      const stage = new Stage(bench, await bench.database(), await bench.broker());
      await stage.#bindReader();
      return measure(stage);
    });
  }

  private constructor(bench: Bench, databaseUrl: string, amqpUrl: string) {
    this.bench = bench;
    this.databaseUrl = databaseUrl;
    this.amqpUrl = amqpUrl;
    this.#database = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    bench.cleanup.defer('pool', () => this.#database.end());
  }

  async nodes(count: number, options: Pick<NodeOptions, 'role'> & Partial<NodeOptions>): Promise<Child[]> {
    const { databaseUrl, amqpUrl } = this;
    return Promise.all(
      Array.from({ length: count }, async () => {
        this.#nodes += 1;
        const name = `${options.role}-${this.#nodes}`;
        const child = await this.bench.process(name, new URL('./node-main.js', import.meta.url));
        await child.ask('open', { databaseUrl, amqpUrl, ...options }, answerTimeoutMs);
        return child;
      }),
    );
  }

  /** The number of unpublished outbox rows. */
  async waiting(): Promise<number> {
    const { rows } = await this.#database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM messaging.outbox WHERE published_at IS NULL',
    );
    return rows[0]?.count ?? 0;
  }

  /** Declares and binds the reader's queue, which keeps events while there is no consumer. */
  async #bindReader(): Promise<void> {
    const { service } = reader;
    const log = pino({ level: 'error' }, process.stderr);
    const bus = createRabbitMqEventBus({ url: this.amqpUrl, service, log });
    const nothing = { handle: async () => [], probe: async () => undefined };
    await bus.subscribe({ service, types: [lineWritten], ...nothing });
    await bus.close();
  }
}

/** The sum of all answers. */
export async function total(nodes: readonly Child[], question: string): Promise<number> {
  const counts = await Promise.all(
    nodes.map((node) => node.ask<number>(question, undefined, answerTimeoutMs)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
