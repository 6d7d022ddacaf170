import { listens } from '../addresses.js';
import { brokerVersion } from './broker-check.js';
import { NotAvailable, type StartedServer } from './started-server.js';

/** The server that a variable names. Throws `NotAvailable` if it isn't set, and an `Error` if nothing listens there. */
export async function serverFromEnvironment(product: string, variable: string): Promise<StartedServer> {
  const value = process.env[variable];
  if (!value) throw new NotAvailable(`${variable} is not set`);
  const url = parse(variable, value);
  const port = Number(url.port) || defaultPorts[url.protocol] || 0;
  if (!(await listens(url.hostname, port))) {
    throw new Error(`${variable} names ${url.hostname}:${port}, but nothing listens there`);
  }
  const version = product === 'RabbitMQ' ? ` ${await brokerVersion(value)}` : '';
  return {
    description: `${product}${version} at ${url.hostname}:${port}, from ${variable}`,
    env: {},
    stop: async () => undefined,
  };
}

const defaultPorts: Record<string, number> = {
  'amqp:': 5672,
  'amqps:': 5671,
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'rediss:': 6379,
};

function parse(variable: string, value: string): URL {
  try {
    return new URL(value);
  } catch {
    throw new Error(`${variable} is not a URL`);
  }
}
