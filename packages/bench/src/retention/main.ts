import { parseArgs } from 'node:util';
import { Bench } from '../bench.js';
import { disturbances } from './disturbance.js';
import { fill } from './fill.js';
import { disturbanceTable, sizeTable } from './report.js';
import { openStage } from './stage.js';

const help = `node packages/bench/dist/retention/main.js [options]

Writes events of many days through the tables of the unit of work, once with retention and once without, and prints
what the tables take; then prunes rows and drops those days under traffic, and prints what that does to latency.

  --events N    events in all (default 1000000)
  --days N      over so many days (default 20)
  --users N     whose feeds get an entry each in turn (default 500)
  --rate N      events a second meanwhile (default 100)
  --seconds N   length of a window with or without retention; four of each, twice (default 5)
  --help        prints this

It finds PostgreSQL as the tests do: WARREN_TEST_DATABASE_URL, else what runs locally.
`;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    days: { type: 'string', default: '20' },
    users: { type: 'string', default: '500' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const plan = { events: Number(values.events), days: Number(values.days), users: Number(values.users) };
  if (!Object.values(plan).every((count) => Number.isSafeInteger(count) && count > 0)) {
    throw new RangeError('--events, --days and --users are whole numbers above 0');
  }
  const bench = await Bench.create(undefined);
  const stop = () => void bench.cleanup.run().then(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const pruned = await openStage(bench);
    const whole = await openStage(bench);
    const sizes = { pruned: await fill(pruned, plan, true), whole: await fill(whole, plan, false) };
    process.stdout.write(`${sizeTable(sizes, plan)}\n\n`);
    const windows = { rate: Number(values.rate), seconds: Number(values.seconds), pairs: 4 };
    for (const each of await disturbances(whole, plan, windows)) {
      process.stdout.write(`${disturbanceTable(each)}\n\n`);
    }
  } finally {
    await bench.cleanup.run();
  }
}
