import { serviceOf } from '@warren/contracts';
import type { Command } from 'commander';
import { audit } from '../audit.js';
import { type CommonOptions, leaf } from '../command.js';
import { type Database, withDatabase } from '../connections.js';
import { Failure, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { moment, names, whole } from '../parse.js';
import { ago, oneLine, table } from '../text.js';
import { discardParked, type ParkedEvent, type ParkedFilter, parkedEvents, retryParked } from './sql.js';

interface SelectOptions extends CommonOptions {
  type?: readonly string[];
  id?: readonly string[];
  since?: Date;
  before?: Date;
  limit: number;
}

interface WorkOptions extends SelectOptions {
  all?: true;
  dryRun?: true;
}

type Outcome = 'retried' | 'discarded' | 'gone';

const maxLimit = 1_000;

export function addParked(outbox: Command, io: Io): void {
  const parked = outbox.command('parked').summary('events that the broker refused');

  addSelectOptions(
    leaf(parked, 'list', {
      summary: 'which, since when, and what the broker said',
      description:
        'Lists the events of DATABASE_URL’s outbox that the broker refused when they were sent alone, those first ' +
        'that are parked for longest.',
      examples: ['outbox parked list', 'outbox parked list --type user.updated --since 7d --json'],
    }),
  ).action((options: SelectOptions) => list(io, options));

  addSelectOptions(
    leaf(parked, 'retry', {
      summary: 'gives them to the broker once more',
      description:
        'Puts parked events back among those that wait to be published. Do so once the cause is mended, for instance ' +
        'the broker user’s permissions: what is refused again is parked again.',
      examples: [
        'outbox parked retry --dry-run',
        'outbox parked retry --type user.updated --limit 1000',
        'outbox parked retry --id 0199b6f0-7c1a-7000-8000-000000000000',
      ],
    }),
  )
    .option('--dry-run', 'only tell what would be done')
    .action((options: WorkOptions) => work(io, 'retry', options));

  addSelectOptions(
    leaf(parked, 'discard', {
      summary: 'takes them away for good',
      description:
        'Takes parked events away for good: nobody will ever hear of them. Needs a filter, or --all.',
      examples: [
        'outbox parked discard --id 0199b6f0-7c1a-7000-8000-000000000000 --dry-run',
        'outbox parked discard --all --limit 1000',
      ],
    }),
  )
    .option('--all', 'without any filter')
    .option('--dry-run', 'only tell what would be done')
    .action((options: WorkOptions) => work(io, 'discard', options));
}

function addSelectOptions(command: Command): Command {
  return command
    .option('--type <types>', 'only these event types, separated by commas', names)
    .option('--id <ids>', 'only these events', names)
    .option('--since <time>', 'only what was parked since, e.g. 2026-01-31T08:00:00Z or 7d', moment)
    .option('--before <time>', 'only what was parked before', moment)
    .option('--limit <n>', `most events, up to ${maxLimit}`, whole(1, maxLimit), 100);
}

async function list(io: Io, options: SelectOptions): Promise<void> {
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
  if (what === 'discard' && !all && ![type, id, since, before].some((filter) => filter !== undefined)) {
    throw new UsageError('which ones? Give a filter (--id, --type, --since, --before) or --all');
  }
  const counts = new Map<Outcome, number>();
  await withDatabase(io, async (database) => {
    const events = await select(io, database, options);
    const wanted: Outcome = what === 'retry' ? 'retried' : 'discarded';
    const carryOut = what === 'retry' ? retryParked : discardParked;
    const ids = events.map((event) => event.id);
    // What somebody else has retried or discarded meanwhile is theirs.
    const done = new Set(dryRun ? ids : await carryOut(database, ids));
    for (const event of events) {
      const outcome = done.has(event.id) ? wanted : 'gone';
      if (!dryRun && outcome !== 'gone') {
        const service = serviceOf(event.type);
        audit(io, { command: `outbox parked ${what}`, service, id: event.id, type: event.type, outcome });
      }
      tell(io, options, event, outcome);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
  });
  const summary = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'nothing to do';
  io.err(`${dryRun ? 'dry run, nothing was changed: ' : ''}${summary}`);
  if (counts.has('gone')) throw new Failure('some were no longer parked');
}

function tell(io: Io, { json, dryRun }: WorkOptions, { id, type }: ParkedEvent, outcome: Outcome): void {
  if (json) io.out(JSON.stringify({ id, type, outcome, dryRun: dryRun ?? false }));
  else io.out(`${outcome.padEnd(9)}  ${id}  ${oneLine(type, 64)}`);
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
  if (events.length < matching) io.err(`the oldest ${events.length} of ${matching}; --limit goes further`);
  return events;
}
