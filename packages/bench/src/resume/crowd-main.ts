import { setPriority } from 'node:os';
import { answering } from '../processes/answering.js';
import { ReturningClient, type ReturningFigures, type ReturningOptions } from './returning-client.js';

/** Clients would run on other machines: here they yield the processor to the service and its servers. */
setPriority(10);

let clients: ReturningClient[] = [];

/** Runs one driver's clients in this process. */
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
