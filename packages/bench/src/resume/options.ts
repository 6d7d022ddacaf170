import { readFlags, wholeNumber } from '@warren/testing';

export const help = `npm run bench -- resume [options]

All clients reconnect to one process of the notification service at the same moment, as after the failure of another
node. Each is a plain WebSocket with a token and a cursor, and has missed some entries. Meanwhile probes check the
service's readiness, run small transactions over HTTP at a fixed rate, and publish events whose notifications a witness
receives. Fails unless every readiness probe succeeds, every client receives each missed entry once and in order, and
the transactions' p99 is below 500 ms.

  --clients N      number of clients (default 10000)
  --missed N       entries that each client has missed (default 10)
  --tabs N         clients per user (default 1)
  --drivers N      number of processes for the clients (default 2)
  --cpu-prof DIR   write a CPU profile of the service to this folder
  --json           print the result as JSON
  --help           print this help

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
