import { parseArgs } from 'node:util';

export const help = `npm run bench -- [options]
npm run bench -- storm|curves [options]

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

\`storm\` is a reconnect storm, \`curves\` the throughput of relay and consumer: see their --help.

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

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export function readOptions(argv: readonly string[]): Options {
  const { values } = parse(argv);
  return {
    seconds: integer('seconds', values.seconds, 120),
    rounds: integer('rounds', values.rounds, 50),
    rates: values.rate.split(',').map((rate) => integer('rate', rate, 2_000)),
    concurrency: integer('concurrency', values.concurrency, 2_000),
    warmUp: integer('warm-up', values['warm-up'], 100_000),
    people: integer('people', values.people, 500),
    systems: values.systems.split(',').filter((name) => name !== ''),
    cpuProf: values['cpu-prof'],
    json: values.json,
    help: values.help,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
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
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Throws `UsageError` unless `text` is a whole number from 1 to `most`. */
export function integer(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from 1 to ${most}, not '${text}'`);
}
