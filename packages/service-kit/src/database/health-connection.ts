import { Socket } from 'node:net';
import { withFallback } from '@warren/timing';
import pg from 'pg';

export interface HealthConnectionOptions {
  url: string;
  service: string;
}

/**
 * Milliseconds that the kept connection may take to answer, and that a new one may take after it. Both fit into the 2 s of
 * a readiness check.
 */
const timeout = 950;

/**
 * A connection for the health check alone, so that the check never waits for the users of the pool. The first check opens
 * the connection and keeps it. If the kept connection doesn't answer, a new one is tried before the check fails. Checks at
 * the same time share one query.
 */
export class HealthConnection {
  readonly #options: HealthConnectionOptions;
  #kept: Connection | undefined;
  #checking: Promise<void> | undefined;

  constructor(options: HealthConnectionOptions) {
    this.#options = options;
  }

  /** Resolves if the database answers. Rejects if it doesn't, after 2 s at the latest. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async close(): Promise<void> {
    this.#drop();
    await this.#checking?.catch(() => undefined);
    this.#drop();
  }

  async #check(): Promise<void> {
    if (this.#kept && !this.#kept.isLost() && (await answers(this.#kept.client))) return;
    this.#drop();
    this.#kept = open(this.#options);
    const { client } = this.#kept;
    const failure = await withFallback(
      firstAnswer(client),
      timeout,
      new Error('the database does not answer'),
    );
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
  return withFallback(answer, timeout, false);
}

/** Resolves to the error, if there is one. */
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

function open({ url, service }: HealthConnectionOptions): Connection {
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
