import { connect } from 'node:net';

export type ServerKind = 'amqp' | 'database' | 'redis';

interface Address {
  variable: string;
  /** Where such a server usually listens on a developer's machine. */
  usual: string;
  product: string;
}

const addresses: Record<ServerKind, Address> = {
  amqp: {
    variable: 'WARREN_TEST_AMQP_URL',
    usual: 'amqp://guest:guest@127.0.0.1:5672',
    product: 'RabbitMQ',
  },
  database: {
    variable: 'WARREN_TEST_DATABASE_URL',
    usual: 'postgres://postgres@127.0.0.1:5432/postgres',
    product: 'PostgreSQL',
  },
  redis: { variable: 'WARREN_TEST_REDIS_URL', usual: 'redis://127.0.0.1:6379', product: 'Redis' },
};

/**
 * The server for tests: as the environment names it (`npm test` sets that), else a local one at its usual port.
 * Throws one sentence that tells what to do where there is none.
 */
export async function serverFor(kind: ServerKind): Promise<URL> {
  const { variable, usual, product } = addresses[kind];
  const given = process.env[variable];
  if (given) return new URL(given);
  const url = new URL(usual);
  if (await listens(url.hostname, Number(url.port))) return url;
  throw new Error(
    `This test needs ${product}, and nothing listens at ${url.host}. ` +
      `Run \`npm test\`, which brings it, or set ${variable}.`,
  );
}

/** Whether something accepts TCP connections there within a second. */
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
