import type { Cell, Row } from './summary.js';

/** The summary as an aligned table with a line for each measure and a column for each system. */
export function table(rows: readonly Row[]): string {
  const measures: [string, (row: Row) => Cell, number][] = [
    ['events/s, POST to socket', (row) => row.throughput, 0],
    ['server CPU ms/event at full load', (row) => row.serverMsPerEvent, 2],
  ];
  rows[0]?.atRate.forEach(({ rate }, index) => {
    const at = (pick: 'p50' | 'p99' | 'serverMsPerEvent') => (row: Row) => row.atRate[index]?.[pick] as Cell;
    measures.push([`p50 ms at ${rate}/s`, at('p50'), 1]);
    measures.push([`p99 ms at ${rate}/s`, at('p99'), 1]);
    measures.push([`server CPU ms/event at ${rate}/s`, at('serverMsPerEvent'), 2]);
  });
  const lines = [
    ['', ...rows.map((row) => row.system)],
    ...measures.map(([name, pick, digits]) => [name, ...rows.map((row) => cellText(pick(row), digits))]),
  ];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((text, column) => pad(text, widths[column] ?? 0, column))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellText({ median, ratio }: Cell, digits: number): string {
  const value = median.toFixed(digits);
  if (!ratio) return value;
  const [middle, min, max] = [ratio.median, ratio.min, ratio.max].map((number) => number.toFixed(2));
  return `${value}  ×${middle} (${min}–${max})`;
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}
