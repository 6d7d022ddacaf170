import { createRabbitMqEventBus } from '@warren/event-bus';
import pg from 'pg';
import { pino } from 'pino';
import { Bench } from '../bench.js';
import type { Child } from '../processes/child.js';
import { lineWritten, reader } from './contract.js';
import type { NodeOptions } from './node.js';

const answerWithinMs = 60_000;

/** A database and a vhost for one measurement, and the processes that work there. */
export class Stage {
  readonly databaseUrl: string;
  readonly amqpUrl: string;
  readonly bench: Bench;
  readonly #database: pg.Pool;
  #nodes = 0;

  /** Runs one measurement and takes everything away again, so that the next finds the machine as this one did. */
  static async with<T>(stop: AbortSignal, measure: (stage: Stage) => Promise<T>): Promise<T> {
    stop.throwIfAborted();
    const bench = await Bench.create(undefined);
    try {
      const stage = new Stage(bench, await bench.database(), await bench.broker());
      await stage.#bindReader();
      return await measure(stage);
    } catch (error) {
      process.stderr.write(await bench.lastWords());
      throw error;
    } finally {
      await bench.cleanup.run();
    }
  }

  private constructor(bench: Bench, databaseUrl: string, amqpUrl: string) {
    this.bench = bench;
    this.databaseUrl = databaseUrl;
    this.amqpUrl = amqpUrl;
    this.#database = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    bench.cleanup.defer('look at the database', () => this.#database.end());
  }

  async nodes(count: number, options: Pick<NodeOptions, 'role'> & Partial<NodeOptions>): Promise<Child[]> {
    const { databaseUrl, amqpUrl } = this;
    return Promise.all(
      Array.from({ length: count }, async () => {
        this.#nodes += 1;
        const name = `${options.role}-${this.#nodes}`;
        const child = await this.bench.process(name, new URL('./node-main.js', import.meta.url));
        await child.ask('open', { databaseUrl, amqpUrl, ...options }, answerWithinMs);
        return child;
      }),
    );
  }

  /** Outbox rows that wait. */
  async waiting(): Promise<number> {
    const { rows } = await this.#database.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM messaging.outbox WHERE published_at IS NULL',
    );
    return rows[0]?.count ?? 0;
  }

  /** The queue that events go to: it stays when nobody takes from it. */
  async #bindReader(): Promise<void> {
    const { service } = reader;
    const log = pino({ level: 'error' }, process.stderr);
    const bus = createRabbitMqEventBus({ url: this.amqpUrl, service, log });
    const nothing = { handle: async () => [], probe: async () => undefined };
    await bus.subscribe({ service, types: [lineWritten], ...nothing });
    await bus.close();
  }
}

/** The sum of what all answer. */
export async function total(nodes: readonly Child[], question: string): Promise<number> {
  const counts = await Promise.all(
    nodes.map((node) => node.ask<number>(question, undefined, answerWithinMs)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
