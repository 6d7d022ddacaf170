import { readFlags, wholeNumber } from '@warren/testing';

export const help = `npm run bench -- resume [options]

Every client of one service comes back at the same moment, as after the failure of another node: plain WebSockets with
a token and a cursor, all to one process of the notification service, each with entries to catch up on. Meanwhile its
readiness is asked for all the time, small transactions are done over HTTP at a fixed rate, and events are published
whose notices a witness hears. Fails unless readiness stays on, every client gets all it missed, once and in order, and
the transactions' p99 stays below 500 ms.

  --clients N      how many, each another user (default 10000)
  --missed N       entries that each of them missed (default 10)
  --tabs N         sockets of each user (default 1)
  --drivers N      processes that the clients live in (default 2)
  --cpu-prof DIR   writes a CPU profile of the service there
  --json           prints the result as JSON
  --help           prints this

The service's process needs a file descriptor for each client: see \`ulimit -n\`.
`;

export interface ResumeOptions {
  clients: number;
  missed: number;
  tabs: number;
  drivers: number;
  cpuProf: string | undefined;
  json: boolean;
  help: boolean;
}

export function readResumeOptions(argv: readonly string[]): ResumeOptions {
  const values = readFlags(argv, flags);
  return {
    clients: wholeNumber('clients', values.clients, 100_000),
    missed: wholeNumber('missed', values.missed, 1_000),
    tabs: wholeNumber('tabs', values.tabs, 20),
    drivers: wholeNumber('drivers', values.drivers, 32),
    cpuProf: values['cpu-prof'],
    json: values.json,
    help: values.help,
  };
}

const flags = {
  clients: { type: 'string', default: '10000' },
  missed: { type: 'string', default: '10' },
  tabs: { type: 'string', default: '1' },
  drivers: { type: 'string', default: '2' },
  'cpu-prof': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
