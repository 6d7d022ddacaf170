import type { Command } from 'commander';
import { addCommand, type CommonOptions, type Io } from '../command.js';
import { withDatabase } from '../connections.js';
import { ago, size, table } from '../text.js';
import { addParked } from './parked.js';
import { type OutboxCounts, outboxCounts, type TableSize, tableSizes } from './sql.js';

const tables = ['outbox', 'inbox', 'feed', 'feed_head', 'idempotency'];

export function addOutbox(program: Command, io: Io): void {
  const outbox = program.command('outbox').summary('inspect the events that a service has to publish');
  addCommand(outbox, 'status', {
    summary: 'show unpublished events and table sizes',
    description:
      'Shows how many events in the outbox of DATABASE_URL are not published yet, and the sizes of the messaging tables.',
    examples: ['outbox status', 'outbox status --json'],
  }).action((options: CommonOptions) => status(io, options));
  addParked(outbox, io);
}

async function status(io: Io, { json }: CommonOptions): Promise<void> {
  const [counts, sizes] = await withDatabase(
    io,
    async (database) => [await outboxCounts(database), await tableSizes(database, tables)] as const,
  );
  io.out(json ? JSON.stringify({ ...counts, tables: sizes }) : asText(counts, sizes));
}

function asText(counts: OutboxCounts, sizes: readonly TableSize[]): string {
  const { unpublished, oldestUnpublished, leased, parked, returned, publishedLastHour } = counts;
  const facts = [
    ['unpublished', String(unpublished)],
    ['oldest unpublished', oldestUnpublished === null ? '-' : ago(oldestUnpublished)],
    ['leased now', String(leased)],
    ['parked', String(parked)],
    ['returned', String(returned)],
    ['published in the last hour', String(publishedLastHour)],
  ];
  const rows = sizes.flatMap(({ name, bytes, rows: count, partitions }) => [
    [name, size(bytes), `${Math.round(count)}`],
    ...partitions.map((part) => [`  ${part.name}`, size(part.bytes), `${Math.round(part.rows)}`]),
  ]);
  return `${table(['outbox', ''], facts)}\n\n${table(['table', 'size', 'rows (estimated)'], rows)}`;
}
