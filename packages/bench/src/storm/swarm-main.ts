import { answering } from '../processes/answering.js';
import type { ClientOptions } from './client.js';
import { type Standing, Swarm, type SwarmReport } from './swarm.js';

let swarm: Swarm | undefined;

/** Runs one driver's clients in this process. */
answering({
  connect: async (clients: ClientOptions[]): Promise<void> => {
    swarm = new Swarm(clients);
  },
  standing: async (): Promise<Standing> => connected().standing,
  cut: async (): Promise<void> => connected().cut(),
  report: async (): Promise<SwarmReport> => connected().report(),
});

process.once('SIGTERM', () => {
  swarm?.close();
  process.exit(0);
});

function connected(): Swarm {
  if (!swarm) throw new Error('the clients are not connected yet');
  return swarm;
}
