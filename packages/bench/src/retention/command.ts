import { readFlags, wholeNumber } from '@warren/testing';
import { withBench } from '../bench.js';
import { disturbances } from './disturbance.js';
import { fill } from './fill.js';
import { disturbanceTable, sizeTable } from './report.js';
import { openStage } from './stage.js';

const help = `npm run bench -- retention [options]

Writes events of many days to the tables of the unit of work, with and without retention, and prints the sizes of the
tables. Then prunes rows and drops partitions under traffic, and prints the effect on latency.

  --events N    total number of events (default 1000000)
  --days N      number of days over which they are spread (default 20)
  --users N     number of users, whose feeds get the entries in turn (default 500)
  --rate N      events per second while latency is measured (default 100)
  --seconds N   duration of a window with or without retention; there are 16 windows (default 5)
  --help        print this help
`;

const flags = {
  events: { type: 'string', default: '1000000' },
  days: { type: 'string', default: '20' },
  users: { type: 'string', default: '500' },
  rate: { type: 'string', default: '100' },
  seconds: { type: 'string', default: '5' },
  help: { type: 'boolean', default: false },
} as const;

export async function retention(argv: readonly string[]): Promise<void> {
  const values = readFlags(argv, flags);
  if (values.help) return void process.stdout.write(help);
  const plan = {
    events: wholeNumber('events', values.events, 100_000_000),
    days: wholeNumber('days', values.days, 365),
    users: wholeNumber('users', values.users, 1_000_000),
  };
  const windows = {
    rate: wholeNumber('rate', values.rate, 10_000),
    seconds: wholeNumber('seconds', values.seconds, 600),
    pairs: 4,
  };
  await withBench(undefined, async (bench) => {
    const pruned = await openStage(bench);
    const whole = await openStage(bench);
    const sizes = { pruned: await fill(pruned, plan, true), whole: await fill(whole, plan, false) };
    process.stdout.write(`${sizeTable(sizes, plan)}\n\n`);
    for (const each of await disturbances(whole, plan, windows)) {
      process.stdout.write(`${disturbanceTable(each)}\n\n`);
    }
  });
}
