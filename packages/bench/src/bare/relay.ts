import type { ConfirmChannel } from 'amqplib';
import type { Pool } from 'pg';
import { exchange } from './setup.js';

const batchSize = 500;

interface OutboxRow {
  position: string;
  id: string;
  type: string;
  body: string;
}

/**
 * Publishes the outbox in batches with pipelined confirms. It has no leases, so that only one instance may run, and no
 * recovery: a failure ends the process.
 */
export class Relay {
  readonly #pool: Pool;
  readonly #channel: ConfirmChannel;
  #nudged = false;
  #running: Promise<void> | undefined;

  constructor(pool: Pool, channel: ConfirmChannel) {
    this.#pool = pool;
    this.#channel = channel;
  }

  /** Call after a commit. Does not wait. */
  nudge(): void {
    this.#nudged = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#nudged) {
      this.#nudged = false;
      while ((await this.#publishBatch()) === batchSize);
    }
  }

  async #publishBatch(): Promise<number> {
    const { rows } = await this.#pool.query<OutboxRow>(
      'select position, id, type, body from outbox where published_at is null order by position limit $1',
      [batchSize],
    );
    if (rows.length === 0) return 0;
    for (const row of rows) {
      const options = { persistent: true, messageId: row.id, contentType: 'application/cloudevents+json' };
      this.#channel.publish(exchange, row.type, Buffer.from(row.body), options);
    }
    await this.#channel.waitForConfirms();
    await this.#pool.query('update outbox set published_at = now() where position = any($1::bigint[])', [
      rows.map((row) => row.position),
    ]);
    return rows.length;
  }
}
