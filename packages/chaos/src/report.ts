import type { CheckResult } from './checks/index.js';
import type { DoneFault, Injector } from './faults/injector.js';
import type { Ledger, Outcome } from './ledger.js';

export interface Report {
  passed: boolean;
  seed: number;
  /** The folder with logs, plan and ledger. */
  folder: string;
  /** The number of faults by name. */
  faults: Record<string, number>;
  totalFaults: number;
  /** Faults whose injection failed. */
  failedFaults: string[];
  /** Counts by kind of action. */
  actions: Record<string, Record<Outcome | 'attempts', number>>;
  /** Planned actions that were skipped because too many waited for their answers. */
  skipped: number;
  entriesSeen: number;
  clients: number;
  reconnects: number;
  /** How long all work took to finish after the last fault. */
  quietAfterMs: number;
  checks: CheckResult[];
}

interface Parts {
  seed: number;
  folder: string;
  ledger: Ledger;
  injector: Pick<Injector, 'done'>;
  quietAfterMs: number;
  results: CheckResult[];
}

export function reportOf({ seed, folder, ledger, injector, quietAfterMs, results }: Parts): Report {
  const failed = injector.done.filter(({ failure }) => failure !== undefined);
  return {
    passed: results.every(({ count }) => count === 0) && failed.length === 0,
    seed,
    folder,
    faults: countsOf(injector.done),
    totalFaults: injector.done.length,
    failedFaults: failed.map(({ sentence, failure }) => `${sentence}: ${failure}`),
    actions: actionsOf(ledger),
    skipped: ledger.skipped,
    clients: ledger.clients.length,
    entriesSeen: ledger.clients.reduce((sum, { pulled, live }) => sum + pulled.length + live.length, 0),
    reconnects: ledger.clients.reduce((sum, { connects }) => sum + Math.max(connects - 1, 0), 0),
    quietAfterMs,
    checks: results,
  };
}

function countsOf(done: readonly DoneFault[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of done) counts[name] = (counts[name] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function actionsOf({ actions }: Ledger): Report['actions'] {
  const counts: Report['actions'] = {};
  for (const { kind, outcome, attempts } of actions) {
    counts[kind] ??= { accepted: 0, refused: 0, unknown: 0, attempts: 0 };
    counts[kind][outcome] += 1;
    counts[kind].attempts += attempts.length;
  }
  return counts;
}

const shownOffenders = 3;
const shownCharacters = 1_200;

/** The report as text. */
export function textOf(report: Report): string {
  const { faults, totalFaults, failedFaults, actions, checks, passed, seed, folder } = report;
  return [
    '',
    `faults: ${totalFaults}`,
    ...columns(Object.entries(faults).map(([name, count]) => `${String(count).padStart(4)}  ${name}`)),
    ...failedFaults.map((failure) => `  FAILED ${failure}`),
    '',
    'actions:',
    ...Object.entries(actions).map(
      ([kind, { accepted, refused, unknown, attempts }]) =>
        `  ${kind.padEnd(10)} ${accepted} accepted, ${refused} refused, ${unknown} unknown, in ${attempts} attempts`,
    ),
    ...(report.skipped > 0 ? [`  ${report.skipped} skipped because too many waited for answers`] : []),
    `  ${report.clients} clients saw ${report.entriesSeen} entries over ${report.reconnects} reconnects`,
    `  all work finished ${(report.quietAfterMs / 1_000).toFixed(1)} s after the faults ended`,
    '',
    'checks (each must be 0):',
    ...checks.flatMap(({ name, count, offenders }) => [
      `${String(count).padStart(6)}  ${name}`,
      ...offenders.slice(0, shownOffenders).map((offender) => `          - ${cut(offender)}`),
      ...(count > shownOffenders ? [`          … ${count - shownOffenders} more in report.json`] : []),
    ]),
    '',
    `${passed ? 'PASSED' : 'FAILED'}, seed ${seed}; logs and results: ${folder}`,
    '',
  ].join('\n');
}

function columns(cells: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < cells.length; index += 3) {
    lines.push(
      `  ${cells
        .slice(index, index + 3)
        .map((cell) => cell.padEnd(30))
        .join('')}`.trimEnd(),
    );
  }
  return lines;
}

function cut(text: string): string {
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)} …`;
}
