import { readFlags, wholeNumber } from '@warren/testing';
export const help = `npm run bench -- [options]
npm run bench -- storm|resume|attacks|curves|retention [options]

Drives one story, POST of a payment to notification on a socket, through a bare hand-written pipeline and through
Warren, in turns, and prints Warren's share of the bare one's throughput and latency.

  --seconds N        length of each measurement (default 5)
  --rounds N         how often each system is measured; ratios are medians over rounds (default 4)
  --rate A,B         fixed rates for latency, in events/s (default 100,200)
  --concurrency N    events under way while throughput is measured (default 64)
  --warm-up N        events before anything counts, as far as 30 s take it (default 4000)
  --people N         recipients with a socket each, and as many payers (default 50)
  --systems A,B      which to measure beside 'bare': warren, warren-orm, warren-raw, story (default all)
  --cpu-prof DIR     writes a CPU profile of each server there
  --json             prints the result as JSON
  --help             prints this

\`storm\` is a reconnect storm, \`resume\` one of all at the same moment on one process, \`attacks\` are floods on a socket, \`curves\` the throughput of relay and consumer,
\`retention\` what the tables take and what pruning costs: see their --help.

It finds its servers as the tests do: WARREN_TEST_AMQP_URL and WARREN_TEST_DATABASE_URL, else what runs locally.
Everything it measures includes the load generator's own work on the same machine.
`;

export interface Options {
  seconds: number;
  rounds: number;
  rates: number[];
  concurrency: number;
  people: number;
  warmUp: number;
  systems: string[];
  cpuProf: string | undefined;
  json: boolean;
  help: boolean;
}

export function readOptions(argv: readonly string[]): Options {
  const values = readFlags(argv, flags);
  return {
    seconds: wholeNumber('seconds', values.seconds, 120),
    rounds: wholeNumber('rounds', values.rounds, 50),
    rates: values.rate.split(',').map((rate) => wholeNumber('rate', rate, 2_000)),
    concurrency: wholeNumber('concurrency', values.concurrency, 2_000),
    warmUp: wholeNumber('warm-up', values['warm-up'], 100_000),
    people: wholeNumber('people', values.people, 500),
    systems: values.systems.split(',').filter((name) => name !== ''),
    cpuProf: values['cpu-prof'],
    json: values.json,
    help: values.help,
  };
}

const flags = {
  seconds: { type: 'string', default: '5' },
  rounds: { type: 'string', default: '4' },
  rate: { type: 'string', default: '100,200' },
  concurrency: { type: 'string', default: '64' },
  'warm-up': { type: 'string', default: '4000' },
  people: { type: 'string', default: '50' },
  systems: { type: 'string', default: 'warren,warren-orm,warren-raw,story' },
  'cpu-prof': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
