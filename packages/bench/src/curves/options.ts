import { readFlags, wholeNumber } from '@warren/testing';
export const help = `npm run bench -- curves [options]

Throughput of the relay (events a transaction; polling alone or told of each commit; one or two instances) and of the
consumer (events a batch; one or two instances), and a broker that was away while rows were written. Prints tables,
each with ratios to its first line.

  --events N     events of one measurement of the relay and of the consumer (default 3000)
  --seconds N    longest measurement of the consumer (default 4)
  --rows N       outbox rows that wait for the broker (default 50000)
  --write DIR    also writes throughput.svg there, and the tables into throughput.md
  --json         prints the result as JSON
  --help         prints this

It takes about three minutes. Ratios of one run are comparable, since each measurement has servers and processes of
its own; absolute figures say something about this machine only.
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
