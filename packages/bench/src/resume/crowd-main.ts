import { setPriority } from 'node:os';
import { answering } from '../processes/answering.js';
import { ReturningClient, type ReturningFigures, type ReturningOptions } from './returning-client.js';

/** In place of machines of their own: clients take no processor time that the service and its servers want. */
setPriority(10);

let clients: ReturningClient[] = [];

/** One driver's clients in a process of its own. */
answering({
  return: async (options: ReturningOptions[]): Promise<void> => {
    clients = options.map((each) => new ReturningClient(each));
  },
  complete: async (): Promise<number> => clients.filter(({ figures }) => figures.complete).length,
  figures: async (): Promise<ReturningFigures[]> => clients.map(({ figures }) => figures),
});

process.once('SIGTERM', () => {
  for (const client of clients) client.close();
  process.exit(0);
});
