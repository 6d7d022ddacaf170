import { readFlags, wholeNumber } from '@warren/testing';

export const help = `npm run bench -- [options]
npm run bench -- storm|resume|attacks|curves|retention|transaction [options]

Measures the way from the POST of a payment to the notification on a socket, alternately with a hand-written pipeline
('bare') and with Warren, and prints ratios of throughput and latency.

  --seconds N        duration of each measurement (default 5)
  --rounds N         how often each system is measured; ratios are medians over rounds (default 4)
  --rate A,B         fixed rates for measuring latency, in events/s (default 100,200)
  --concurrency N    pending events while throughput is measured (default 64)
  --warm-up N        events before the first measurement, within 30 s (default 4000)
  --people N         number of recipients with a socket, and of payers (default 50)
  --systems A,B      systems to compare with 'bare': warren, warren-orm, warren-raw, story (default all)
  --cpu-prof DIR     write a CPU profile of each server to this folder
  --json             print the result as JSON
  --help             print this help

Other benchmarks, each with its own --help:
  storm       cuts all clients of two nodes again and again
  resume      lets all clients reconnect to one process at the same moment
  attacks     floods a node through a socket
  curves      throughput of the relay and of consumers
  retention   size of the tables, and the cost of pruning them
  transaction round trips and processor time of a transaction

The servers are found as in the tests: WARREN_TEST_AMQP_URL and WARREN_TEST_DATABASE_URL, or local servers. All figures
include the work of the load generator, which runs on the same machine.
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
