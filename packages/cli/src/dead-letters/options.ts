import type { DeadLetterMessage } from '@warren/event-bus';
import type { Command } from 'commander';
import type { ServiceOptions } from '../command.js';
import { moment, names, whole } from '../parse.js';

export interface ReadOptions extends ServiceOptions {
  scan: number;
  despiteLimit?: true;
}

export interface FilterOptions {
  type?: readonly string[];
  reason?: readonly string[];
  id?: readonly string[];
  since?: Date;
  before?: Date;
}

export interface SelectOptions extends ReadOptions, FilterOptions {
  limit: number;
}

export const maxLimit = 1_000;

export function addReadOptions(command: Command): Command {
  return command
    .option('--scan <n>', 'most letters to look at', whole(1, 50_000), 10_000)
    .option('--despite-limit', 'look even where the queue has a delivery limit, which each look uses up');
}

export function addSelectOptions(command: Command): Command {
  return addReadOptions(
    command
      .option('--type <types>', 'only these event types, separated by commas', names)
      .option('--reason <reasons>', 'only these reasons, e.g. permanent,retries-exhausted', names)
      .option('--id <ids>', 'only these events', names)
      .option('--since <time>', 'only what first failed since, e.g. 2026-01-31T08:00:00Z or 7d', moment)
      .option('--before <time>', 'only what first failed before', moment)
      .option('--limit <n>', `most letters, up to ${maxLimit}`, whole(1, maxLimit), 100),
  );
}

export function isFiltered({ type, reason, id, since, before }: FilterOptions): boolean {
  return [type, reason, id, since, before].some((filter) => filter !== undefined);
}

/** What lacks the time that is asked for doesn't match. */
export function matches(
  { type, reason, id, since, before }: FilterOptions,
  letter: DeadLetterMessage,
): boolean {
  if (type && !type.includes(letter.type)) return false;
  if (reason && !reason.includes(letter.reason)) return false;
  if (id && !id.includes(letter.id)) return false;
  if (!since && !before) return true;
  const failed = Date.parse(letter.firstFailedAt ?? '');
  if (Number.isNaN(failed)) return false;
  return (!since || failed >= since.getTime()) && (!before || failed < before.getTime());
}
