import type { Command } from 'commander';
import { type Io, UsageError } from './command.js';
import { moment, names, whole } from './parse.js';
import { oneLine } from './text.js';

/** The filters that commands on dead letters and on parked events share. */
export interface FilterOptions {
  type?: readonly string[];
  id?: readonly string[];
  since?: Date;
  before?: Date;
}

export interface SelectOptions extends FilterOptions {
  limit: number;
}

const maxLimit = 1_000;

/** `items` and `happened` complete the help texts, e.g. `letters` and `first failed`. */
export function addSelectOptions(
  command: Command,
  { items, happened }: { items: string; happened: string },
): Command {
  return command
    .option('--type <types>', 'only these event types, separated by commas', names)
    .option('--id <ids>', 'only these events', names)
    .option('--since <time>', `only ${items} that ${happened} since, e.g. 2026-01-31T08:00:00Z or 7d`, moment)
    .option('--before <time>', `only ${items} that ${happened} before`, moment)
    .option('--limit <n>', `the maximum number of ${items}, up to ${maxLimit}`, whole(1, maxLimit), 100);
}

/** Throws `UsageError` unless a filter or `--all` was given. */
export function requireFilterOrAll(filters: Readonly<Record<string, unknown>>, all: true | undefined): void {
  if (all || Object.values(filters).some((filter) => filter !== undefined)) return;
  const options = Object.keys(filters).map((name) => `--${name}`);
  throw new UsageError(`give a filter (${options.join(', ')}) or --all`);
}

/** Reports what was done with each item, or would be done in a dry run, and counts the outcomes. */
export class OutcomeReport<Outcome extends string> {
  readonly #io: Io;
  readonly #json: boolean;
  readonly #dryRun: boolean;
  readonly #counts = new Map<Outcome, number>();

  constructor(io: Io, { json, dryRun }: { json?: true; dryRun?: true }) {
    this.#io = io;
    this.#json = json ?? false;
    this.#dryRun = dryRun ?? false;
  }

  add({ id, type }: { id: string; type: string }, outcome: Outcome): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + 1);
    const line = `${outcome.padEnd(15)}  ${oneLine(id, 64) || '(no id)'}  ${oneLine(type, 64)}`;
    this.#io.out(this.#json ? JSON.stringify({ id, type, outcome, dryRun: this.#dryRun }) : line);
  }

  has(outcome: Outcome): boolean {
    return this.#counts.has(outcome);
  }

  summarize(): void {
    const summary = [...this.#counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    this.#io.err(`${this.#dryRun ? 'dry run, nothing was changed: ' : ''}${summary || 'nothing to do'}`);
  }
}
