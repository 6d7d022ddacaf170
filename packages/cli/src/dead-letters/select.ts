import {
  type DeadLetterMessage,
  type HeldDeadLetters,
  type Operator,
  OperatorError,
} from '@warren/event-bus';
import type { Command } from 'commander';
import { Failure, type Io, type ServiceOptions } from '../command.js';
import { withBroker } from '../connections.js';
import { names, whole } from '../parse.js';
import * as selection from '../selection.js';

export interface ReadOptions extends ServiceOptions {
  scan: number;
  despiteLimit?: true;
}

export interface FilterOptions extends selection.FilterOptions {
  reason?: readonly string[];
}

export interface SelectOptions extends ReadOptions, FilterOptions {
  limit: number;
}

export function addReadOptions(command: Command): Command {
  return command
    .option('--scan <n>', 'the maximum number of letters to read', whole(1, 50_000), 10_000)
    .option(
      '--despite-limit',
      'read even where the queue has a delivery limit, which each reading counts towards',
    );
}

export function addSelectOptions(command: Command): Command {
  selection.addSelectOptions(command, { items: 'letters', happened: 'first failed' });
  return addReadOptions(
    command.option('--reason <reasons>', 'only these reasons, e.g. permanent,retries-exhausted', names),
  );
}

/** Runs `work` with the selected letters. The letters that `work` does not take stay in the queue. */
export function withLetters<T>(
  io: Io,
  options: SelectOptions,
  work: (held: HeldDeadLetters) => Promise<T>,
): Promise<T> {
  return withBroker(io, options.service, async (operator) => {
    const held = await hold(operator, options);
    try {
      reportIncomplete(io, held);
      return await work(held);
    } finally {
      await held.release();
    }
  });
}

async function hold(operator: Operator, options: SelectOptions): Promise<HeldDeadLetters> {
  const { limit, scan, despiteLimit } = options;
  try {
    return await operator.hold({
      limit,
      scan,
      keep: (letter) => matches(options, letter),
      ...(despiteLimit && { despiteLimit }),
    });
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'reads-counted') throw error;
    throw new Failure(`${error.message}. See docs/dead-letters.md; --despite-limit reads them nevertheless`);
  }
}

/** A letter that doesn't say when it first failed never matches `--since` or `--before`. */
function matches({ type, reason, id, since, before }: FilterOptions, letter: DeadLetterMessage): boolean {
  if (type && !type.includes(letter.type)) return false;
  if (reason && !reason.includes(letter.reason)) return false;
  if (id && !id.includes(letter.id)) return false;
  if (!since && !before) return true;
  const failed = Date.parse(letter.firstFailedAt ?? '');
  if (Number.isNaN(failed)) return false;
  return (!since || failed >= since.getTime()) && (!before || failed < before.getTime());
}

function reportIncomplete(io: Io, { letters, looked, matching, waiting, shared }: HeldDeadLetters): void {
  if (shared)
    io.err('another command is reading these dead letters; the ones that it holds are missing here');
  if (letters.length < matching)
    io.err(`showing the oldest ${letters.length} of ${matching}; raise --limit for more`);
  if (looked < waiting) io.err(`read ${looked} of ${waiting} dead letters; raise --scan to read more`);
}
