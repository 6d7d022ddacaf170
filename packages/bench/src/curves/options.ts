import { readFlags, wholeNumber } from '@warren/testing';

export const help = `npm run bench -- curves [options]

Measures the throughput of the relay (by events per transaction, by polling or notification of each commit, with one or
two instances) and of the consumer (by events per batch, with one or two instances), and how the outbox is published
after the broker was away. Prints tables with ratios to their first line.

  --events N     events per measurement of the relay and of the consumer (default 3000)
  --seconds N    maximum duration of a measurement of the consumer (default 4)
  --rows N       outbox rows that are written while the broker is away (default 50000)
  --write DIR    also write throughput.svg and the tables in throughput.md there
  --json         print the result as JSON
  --help         print this help

Takes about three minutes. The ratios of one run are comparable, because each measurement has its own processes,
database and vhost. Absolute figures apply to this machine only.
`;

export interface CurvesOptions {
  events: number;
  seconds: number;
  rows: number;
  write: string | undefined;
  json: boolean;
  help: boolean;
}

export function readCurvesOptions(argv: readonly string[]): CurvesOptions {
  const values = readFlags(argv, flags);
  return {
    events: wholeNumber('events', values.events, 100_000),
    seconds: wholeNumber('seconds', values.seconds, 60),
    rows: wholeNumber('rows', values.rows, 90_000),
    write: values.write,
    json: values.json,
    help: values.help,
  };
}

const flags = {
  events: { type: 'string', default: '3000' },
  seconds: { type: 'string', default: '4' },
  rows: { type: 'string', default: '50000' },
  write: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
