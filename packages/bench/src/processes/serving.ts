import { answering } from './answering.js';

/** A server under test, as its process runs it. */
export interface Served {
  port: number;
  close(): Promise<void>;
}

/**
 * Runs one server in this process: answers `ready` with its port once it listens and `cpu` with the processor
 * time spent so far, in milliseconds; closes on SIGTERM.
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

async function finish(started: Promise<Served>): Promise<void> {
  try {
    await (await started).close();
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
