import type { ConsumerPoint } from './consumer.js';
import type { Outage } from './outage.js';
import type { RelayPoint } from './relay.js';

export interface Curves {
  relay: RelayPoint[];
  consumer: ConsumerPoint[];
  outages: Outage[];
}

interface Table {
  title: string;
  lines: string[][];
}

const marks = { begin: '<!-- figures -->', end: '<!-- /figures -->' };

/** The tables as Markdown. */
export function report(curves: Curves): string {
  return tables(curves)
    .map(({ title, lines }) => `\n${title}\n\n${markdown(lines)}\n`)
    .join('');
}

/** Replaces the tables in the page. Throws if the page has no markers for them. */
export function intoPage(page: string, curves: Curves): string {
  const [begin, end] = [page.indexOf(marks.begin), page.indexOf(marks.end)];
  if (begin < 0 || end < begin) throw new Error(`the page has no ${marks.begin} … ${marks.end}`);
  return `${page.slice(0, begin + marks.begin.length)}\n${report(curves)}\n${page.slice(end)}`;
}

function tables({ relay, consumer, outages }: Curves): Table[] {
  const [firstRelay, firstConsumer, firstOutage] = [relay[0], consumer[0], outages[0]];
  return [
    {
      title: 'Relay: events from commit to confirm and mark',
      lines: [
        ['how it hears of rows', 'instances', 'events a transaction', 'events/s', 'ratio'],
        ...relay.map(({ way, instances, perTransaction, perSecond }) => [
          way === 'poll' ? 'poll only' : 'nudge',
          `${instances}`,
          `${perTransaction}`,
          perSecond.toFixed(0),
          ratio(perSecond, firstRelay?.perSecond),
        ]),
      ],
    },
    {
      title: 'Consumer: events from queue to commit',
      lines: [
        ['instances', 'events a batch, at most', 'events/s', 'ratio'],
        ...consumer.map(({ instances, batchSize, perSecond }) => [
          `${instances}`,
          `${batchSize}`,
          perSecond.toFixed(0),
          ratio(perSecond, firstConsumer?.perSecond),
        ]),
      ],
    },
    {
      title: `Broker away, ${firstOutage?.rows ?? 0} rows written, broker back`,
      lines: [
        [
          'instances',
          's to the first',
          's to the last',
          'ratio',
          'MB before',
          'MB peak while away',
          'MB peak',
        ],
        ...outages.map(({ instances, secondsToFirst, secondsToLast, memory }) => [
          `${instances}`,
          secondsToFirst.toFixed(1),
          secondsToLast.toFixed(1),
          ratio(secondsToLast, firstOutage?.secondsToLast),
          ...[memory.before, memory.peakWhileDown, memory.peak].map((bytes) => (bytes / 1e6).toFixed(0)),
        ]),
      ],
    },
  ];
}

function ratio(value: number, first = value): string {
  return `×${(value / first).toFixed(2)}`;
}

function markdown(lines: string[][]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const row = (cells: string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = lines;
  return [row(head), row(widths.map((width) => '-'.repeat(width))), ...body.map(row)].join('\n');
}
