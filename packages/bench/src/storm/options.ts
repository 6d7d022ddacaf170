import { readFlags, UsageError, wholeNumber } from '@warren/testing';
export const help = `npm run bench -- storm [options]

A reconnect storm: many plain clients with cursors on two nodes of one service are cut, all at once and again and
again, while broadcasts go to everyone's feed. Fails unless every client ends complete, in order, without a double.

  --clients N      how many (default 2000)
  --users N        whose tabs they are; a node takes at most 20 tabs of one user (default 400)
  --broadcasts N   entries that each feed gets (default 120)
  --cuts N         how often each client is cut (default 8)
  --interval N     milliseconds between two broadcasts (default 250)
  --drivers N      processes that the clients live in (default 2)
  --json           prints the result as JSON
  --help           prints this

Each client needs a file descriptor in its driver and one in a node: see \`ulimit -n\`.
`;

export interface StormOptions {
  clients: number;
  users: number;
  broadcasts: number;
  cuts: number;
  interval: number;
  drivers: number;
  json: boolean;
  help: boolean;
}

/** Both nodes together have room for so many tabs of one user; while clients change nodes, one may have them all. */
const mostTabs = 20;

export function readStormOptions(argv: readonly string[]): StormOptions {
  const values = readFlags(argv, flags);
  const options = {
    clients: wholeNumber('clients', values.clients, 20_000),
    users: wholeNumber('users', values.users, 20_000),
    broadcasts: wholeNumber('broadcasts', values.broadcasts, 10_000),
    cuts: wholeNumber('cuts', values.cuts, 1_000),
    interval: wholeNumber('interval', values.interval, 60_000),
    drivers: wholeNumber('drivers', values.drivers, 32),
    json: values.json,
    help: values.help,
  };
  if (options.clients > mostTabs * options.users)
    throw new UsageError(`--users is too low: at most ${mostTabs} clients a user`);
  if (options.cuts >= options.broadcasts) throw new UsageError('--cuts must be below --broadcasts');
  return options;
}

const flags = {
  clients: { type: 'string', default: '2000' },
  users: { type: 'string', default: '400' },
  broadcasts: { type: 'string', default: '120' },
  cuts: { type: 'string', default: '8' },
  interval: { type: 'string', default: '250' },
  drivers: { type: 'string', default: '2' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
