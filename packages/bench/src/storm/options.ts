import { readFlags, UsageError, wholeNumber } from '@warren/testing';

export const help = `npm run bench -- storm [options]

A reconnect storm: connects many plain clients with cursors to two nodes of one service, and cuts all of them at once,
several times, while broadcasts add entries to all feeds. Fails unless every client receives every entry once and in
order.

  --clients N      number of clients (default 2000)
  --users N        number of users; a node accepts at most 20 clients per user (default 400)
  --broadcasts N   entries that are added to each feed (default 120)
  --cuts N         how often each client is cut (default 8)
  --interval N     milliseconds between broadcasts (default 250)
  --drivers N      number of processes for the clients (default 2)
  --json           print the result as JSON
  --help           print this help

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

/** A node's limit of clients per user. While clients change nodes, all of a user's clients may be on one node. */
const maxTabs = 20;

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
  if (options.clients > maxTabs * options.users)
    throw new UsageError(`--users is too low: at most ${maxTabs} clients per user`);
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
