import { readFlags, wholeNumber } from '@warren/testing';
import { withBench } from '../bench.js';
import { disturbances } from './disturbance.js';
import { fill } from './fill.js';
import { disturbanceTable, sizeTable } from './report.js';
import { openStage } from './stage.js';

const help = `npm run bench -- retention [options]

Writes events of many days through the tables of the unit of work, once with retention and once without, and prints
what the tables take; then prunes rows and drops those days under traffic, and prints what that does to latency.

  --events N    events in all (default 1000000)
  --days N      over so many days (default 20)
  --users N     whose feeds get an entry each in turn (default 500)
  --rate N      events a second meanwhile (default 100)
  --seconds N   length of a window with or without retention; four of each, twice (default 5)
  --help        prints this
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
