import { connect } from 'node:net';

export type ServerKind = 'amqp' | 'database' | 'redis';

interface Address {
  variable: string;
  /** Where such a server usually listens on a developer's machine. */
  fallback: string;
  product: string;
}

const addresses: Record<ServerKind, Address> = {
  amqp: {
    variable: 'WARREN_TEST_AMQP_URL',
    fallback: 'amqp://guest:guest@127.0.0.1:5672',
    product: 'RabbitMQ',
  },
  database: {
    variable: 'WARREN_TEST_DATABASE_URL',
    fallback: 'postgres://postgres@127.0.0.1:5432/postgres',
    product: 'PostgreSQL',
  },
  redis: { variable: 'WARREN_TEST_REDIS_URL', fallback: 'redis://127.0.0.1:6379', product: 'Redis' },
};

/**
 * The server for tests: the one that the environment names (`npm test` sets the variables), or a local one at its
 * usual port. If there is none, throws a sentence that says what to do.
 */
export async function serverFor(kind: ServerKind): Promise<URL> {
  const { variable, fallback, product } = addresses[kind];
  const named = process.env[variable];
  if (named) return new URL(named);
  const url = new URL(fallback);
  if (await listens(url.hostname, Number(url.port))) return url;
  throw new Error(
    `This test needs ${product}, and nothing listens at ${url.host}. ` +
      `Run \`npm test\`, which starts it, or set ${variable}.`,
  );
}

/** Whether something accepts a TCP connection at this address within a second. */
export function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
