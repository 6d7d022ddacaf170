import { Socket } from 'node:net';
import pg from 'pg';
import { patiently } from '../http/patience.js';

export interface PulseOptions {
  url: string;
  service: string;
}

/** Milliseconds for the kept connection to answer, and then for a new one: together within the time of one check. */
const timeout = 950;

/**
 * Whether the database answers, asked on a connection of its own: it waits for nobody who uses the pool. The connection
 * is opened by the first question and kept; one that was lost meanwhile is replaced before the database is said to be
 * away. Questions at the same time are one.
 */
export class DatabasePulse {
  readonly #options: PulseOptions;
  #kept: Connection | undefined;
  #asking: Promise<void> | undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Rejects where the database doesn't answer, within 2 s. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async close(): Promise<void> {
    this.#drop();
    await this.#asking?.catch(() => undefined);
    this.#drop();
  }

  async #ask(): Promise<void> {
    if (this.#kept && !this.#kept.isLost() && (await answers(this.#kept.client))) return;
    this.#drop();
    this.#kept = open(this.#options);
    const { client } = this.#kept;
    const failure = await patiently(firstAnswer(client), timeout, new Error('the database does not answer'));
    if (!failure) return;
    this.#drop();
    throw failure;
  }

  #drop(): void {
    this.#kept?.socket.destroy();
    this.#kept = undefined;
  }
}

function answers(client: pg.Client): Promise<boolean> {
  const answer = client.query('SELECT 1').then(
    () => true,
    () => false,
  );
  return patiently(answer, timeout, false);
}

async function firstAnswer(client: pg.Client): Promise<unknown> {
  try {
    await client.connect();
    await client.query('SELECT 1');
    return undefined;
  } catch (error) {
    return error;
  }
}

interface Connection {
  client: pg.Client;
  socket: Socket;
  isLost(): boolean;
}

function open({ url, service }: PulseOptions): Connection {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: url,
    stream: () => socket,
    keepAlive: true,
    application_name: `warren-${service}-health`,
  });
  let lost = false;
  client.on('error', () => {
    lost = true;
  });
  client.on('end', () => {
    lost = true;
  });
  return { client, socket, isLost: () => lost };
}
