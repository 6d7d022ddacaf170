import { numberFrom, readFlags, wholeNumber } from '@warren/testing';

export const help = `npm run chaos -- [options]

Runs two instances of each service with a private RabbitMQ and PostgreSQL, simulates people who use them, injects
faults, ends the faults, and checks that nothing is lost, duplicated or different. The exit code is 1 if a check finds
anything.

  --minutes N             how long people act and faults happen; 0.5 is half a minute (default 10)
  --seed N                determines all faults and actions and their times (default: random)
  --faults-per-minute N   (default 5)
  --actions-per-second N  (default 6)
  --people N              how many people register at the start; more register later (default 10)
  --settle-seconds N      how long all work may take to finish after the last fault (default 240)
  --out DIR               the folder for logs and results (default .warren/chaos/<time>-seed-<seed>)
  --plan                  print the faults of this seed and exit
  --json                  print the report as JSON
  --help                  print this help

Needs an installed rabbitmq-server. See docs/chaos.md.
`;

export interface Options {
  minutes: number;
  seed: number;
  faultsPerMinute: number;
  actionsPerSecond: number;
  people: number;
  settleSeconds: number;
  out: string;
  plan: boolean;
  json: boolean;
  help: boolean;
}

export function readOptions(argv: readonly string[]): Options {
  const values = readFlags(argv, flags);
  const seed =
    values.seed === undefined ? Math.floor(Math.random() * 1e6) : wholeNumber('seed', values.seed, 2 ** 31);
  return {
    minutes: numberFrom('minutes', values.minutes, 0.1, 24 * 60),
    seed,
    faultsPerMinute: numberFrom('faults-per-minute', values['faults-per-minute'], 0.1, 60),
    actionsPerSecond: numberFrom('actions-per-second', values['actions-per-second'], 0.1, 100),
    people: wholeNumber('people', values.people, 500),
    settleSeconds: wholeNumber('settle-seconds', values['settle-seconds'], 3_600),
    out: values.out ?? `.warren/chaos/${timestamp()}-seed-${seed}`,
    plan: values.plan,
    json: values.json,
    help: values.help,
  };
}

const flags = {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  'faults-per-minute': { type: 'string', default: '5' },
  'actions-per-second': { type: 'string', default: '6' },
  people: { type: 'string', default: '10' },
  'settle-seconds': { type: 'string', default: '240' },
  out: { type: 'string' },
  plan: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(':', '-');
}
