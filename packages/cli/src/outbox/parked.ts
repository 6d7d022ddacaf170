import { serviceOf } from '@warren/contracts';
import type { Command } from 'commander';
import { audit } from '../audit.js';
import { addCommand, type CommonOptions, Failure, type Io } from '../command.js';
import { type Database, withDatabase } from '../connections.js';
import { addSelectOptions, OutcomeReport, requireFilterOrAll, type SelectOptions } from '../selection.js';
import { ago, oneLine, table } from '../text.js';
import { discardParked, type ParkedEvent, type ParkedFilter, parkedEvents, retryParked } from './sql.js';

type ListOptions = SelectOptions & CommonOptions;

interface WorkOptions extends ListOptions {
  all?: true;
  dryRun?: true;
}

type Outcome = 'retried' | 'discarded' | 'gone';

const filterTexts = { items: 'events', happened: 'were parked' };

export function addParked(outbox: Command, io: Io): void {
  const parked = outbox.command('parked').summary('list, retry and discard events that the broker refused');

  addSelectOptions(
    addCommand(parked, 'list', {
      summary: 'list parked events with the broker’s reason',
      description:
        'Lists the events in the outbox of DATABASE_URL that the broker refused when they were published alone. ' +
        'The ones that have been parked longest come first.',
      examples: ['outbox parked list', 'outbox parked list --type user.updated --since 7d --json'],
    }),
    filterTexts,
  ).action((options: ListOptions) => list(io, options));

  addSelectOptions(
    addCommand(parked, 'retry', {
      summary: 'publish parked events again',
      description:
        'Lets the relay publish parked events again. Fix the cause first, for instance the permissions of the ' +
        'broker user: an event that is refused again is parked again.',
      examples: [
        'outbox parked retry --dry-run',
        'outbox parked retry --type user.updated --limit 1000',
        'outbox parked retry --id 0199b6f0-7c1a-7000-8000-000000000000',
      ],
    }),
    filterTexts,
  )
    .option('--dry-run', 'only report what would be done')
    .action((options: WorkOptions) => work(io, 'retry', options));

  addSelectOptions(
    addCommand(parked, 'discard', {
      summary: 'delete parked events',
      description: 'Deletes parked events permanently: no consumer receives them. Needs a filter or --all.',
      examples: [
        'outbox parked discard --id 0199b6f0-7c1a-7000-8000-000000000000 --dry-run',
        'outbox parked discard --all --limit 1000',
      ],
    }),
    filterTexts,
  )
    .option('--all', 'discard without a filter')
    .option('--dry-run', 'only report what would be done')
    .action((options: WorkOptions) => work(io, 'discard', options));
}

async function list(io: Io, options: ListOptions): Promise<void> {
  const events = await withDatabase(io, (database) => select(io, database, options));
  if (options.json) for (const event of events) io.out(JSON.stringify(event));
  else io.out(events.length > 0 ? asTable(events) : 'no parked events');
}

function asTable(events: readonly ParkedEvent[]): string {
  const rows = events.map(({ id, type, parkedAt, ageSeconds, because, bytes }) => [
    id,
    oneLine(type, 64),
    parkedAt,
    ago(ageSeconds),
    bytes,
    oneLine(because, 120),
  ]);
  return table(['id', 'type', 'parked', 'age', 'bytes', 'because'], rows);
}

async function work(io: Io, what: 'retry' | 'discard', options: WorkOptions): Promise<void> {
  const { type, id, since, before, all, dryRun } = options;
  if (what === 'discard') requireFilterOrAll({ id, type, since, before }, all);
  const report = new OutcomeReport<Outcome>(io, options);
  await withDatabase(io, async (database) => {
    const events = await select(io, database, options);
    const wanted: Outcome = what === 'retry' ? 'retried' : 'discarded';
    const carryOut = what === 'retry' ? retryParked : discardParked;
    const ids = events.map((event) => event.id);
    // Another operator may have retried or discarded some of them in the meantime.
    const done = new Set(dryRun ? ids : await carryOut(database, ids));
    for (const event of events) {
      const outcome = done.has(event.id) ? wanted : 'gone';
      if (!dryRun && outcome !== 'gone') {
        const service = serviceOf(event.type);
        audit(io, { command: `outbox parked ${what}`, service, id: event.id, type: event.type, outcome });
      }
      report.add(event, outcome);
    }
  });
  report.summarize();
  if (report.has('gone')) throw new Failure('some events were no longer parked');
}

async function select(
  io: Io,
  database: Database,
  { type, id, since, before, limit }: SelectOptions,
): Promise<ParkedEvent[]> {
  const filter: ParkedFilter = {
    types: type ?? null,
    ids: id ?? null,
    since: since ?? null,
    before: before ?? null,
  };
  const { events, matching } = await parkedEvents(database, filter, limit);
  if (events.length < matching)
    io.err(`showing the oldest ${events.length} of ${matching}; raise --limit for more`);
  return events;
}
