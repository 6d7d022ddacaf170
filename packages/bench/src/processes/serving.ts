import type { FastifyInstance } from 'fastify';
import { answering } from './answering.js';

/** A server under test. */
export interface Served {
  port: number;
  close(): Promise<void>;
}

/**
 * Runs one server in this process. Answers `ready` with its port once it listens, and `cpu` with the processor time so
 * far in milliseconds. Closes the server on SIGTERM.
 */
export function serving(start: () => Promise<Served>): void {
  const started = start();
  answering({
    ready: async () => (await started).port,
    cpu: async () => processorMs(),
  });
  process.once('SIGTERM', () => void finish(started));
}

/** User and system time of this process since its start, in milliseconds. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Listens on a free port of 127.0.0.1 and returns the port. */
export async function listenOnLoopback(app: FastifyInstance): Promise<number> {
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  return Number(address.port);
}

async function finish(started: Promise<Served>): Promise<void> {
  try {
    await (await started).close();
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
