import { quantile } from '../stats.js';
import type { Disturbance, Samples } from './disturbance.js';
import type { TableSize } from './fill.js';
import type { Plan } from './stage.js';

export function sizeTable(
  { pruned, whole }: Record<'pruned' | 'whole', TableSize[]>,
  { events, days, users }: Plan,
): string {
  const lines = whole.map((all) => {
    const kept = pruned.find(({ table }) => table === all.table) ?? { ...all, rows: 0, heap: 0, indexes: 0 };
    return [
      all.table,
      perRow(all.heap, all.rows),
      perRow(all.indexes, all.rows),
      String(kept.rows),
      megabytes(kept),
      megabytes(all),
      ((kept.heap + kept.indexes) / (all.heap + all.indexes)).toFixed(2),
    ];
  });
  return `${events} events over ${days} days, ${users} users

${aligned([['', 'heap B/row', 'index B/row', 'rows kept', 'MB', 'MB unpruned', 'ratio'], ...lines])}`;
}

export function disturbanceTable({ name, quiet, busy, stats }: Disturbance): string {
  const row = (what: string, pick: (samples: Samples) => number[], q: number) => {
    const [without, during] = [quantile(pick(quiet), q), quantile(pick(busy), q)];
    return [`${what}, ${named(q)}`, without.toFixed(1), during.toFixed(1), (during / without).toFixed(2)];
  };
  const { partitionsDropped, feedEntries, rows, gaveWay } = stats;
  const done = name === 'days dropped' ? `${partitionsDropped} partitions` : `${feedEntries + rows} rows`;
  return `${name}: ${done}; gave way ${gaveWay} times

${aligned([
  ['', 'quiet', 'busy', 'ratio'],
  ...[0.5, 0.99, 1].map((q) => row('ms to the bus', ({ relayed }) => relayed, q)),
  ...[0.5, 0.99, 1].map((q) => row('ms until handled', ({ handled }) => handled, q)),
])}`;
}

const named = (q: number) => (q === 1 ? 'max' : `p${q * 100}`);
const perRow = (bytes: number, rows: number) => (rows === 0 ? '-' : (bytes / rows).toFixed(0));
const megabytes = ({ heap, indexes }: TableSize) => ((heap + indexes) / 1e6).toFixed(1);

function aligned(lines: string[][]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((text, column) =>
          column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}
