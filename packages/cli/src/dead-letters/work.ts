import { setTimeout as sleep } from 'node:timers/promises';
import type { DeadLetterMessage, HeldDeadLetters } from '@warren/event-bus';
import { audit } from '../audit.js';
import { Failure, type Io, UsageError } from '../command.js';
import { OutcomeReport, requireFilterOrAll } from '../selection.js';
import { inboxDays, planRetries, type RetryOutcome } from './retry-plan.js';
import { type SelectOptions, withLetters } from './select.js';

export interface WorkOptions extends SelectOptions {
  rate: number;
  dryRun?: true;
}

export interface RetryOptions extends WorkOptions {
  force?: true;
}

export interface DiscardOptions extends WorkOptions {
  all?: true;
}

type Outcome =
  | RetryOutcome
  | 'discarded'
  /** Kept: the events queue is missing. */
  | 'unroutable';

type Plan = (letter: DeadLetterMessage) => Outcome;

const keptOutcomes: ReadonlySet<Outcome> = new Set(['too-old', 'unroutable']);

/** The broker closes the channel of a consumer that keeps a message unacknowledged for 30 minutes. */
const maxHoldMs = 20 * 60_000;

export function retry(io: Io, options: RetryOptions): Promise<void> {
  return work(io, 'dead-letters retry', options, (held) => planRetries(io, options, held));
}

export function discard(io: Io, options: DiscardOptions): Promise<void> {
  const { id, type, reason, since, before, all } = options;
  requireFilterOrAll({ id, type, reason, since, before }, all);
  return work(io, 'dead-letters discard', options, async () => () => 'discarded');
}

async function work(
  io: Io,
  command: string,
  options: WorkOptions,
  makePlan: (held: HeldDeadLetters) => Promise<Plan>,
): Promise<void> {
  const { service, limit, rate, dryRun } = options;
  if ((limit / rate) * 1_000 > maxHoldMs) {
    throw new UsageError(
      `${limit} letters at ${rate} a second take longer than 20 minutes, and the broker allows no more`,
    );
  }
  const report = new OutcomeReport<Outcome>(io, options);
  await withLetters(io, options, async (held) => {
    const plan = await makePlan(held);
    const turn = pace(rate, io.signal);
    for (const letter of held.letters) {
      const planned = plan(letter);
      if (!dryRun && !keptOutcomes.has(planned) && !(await turn())) break;
      const outcome = dryRun ? planned : await carryOut(held, letter, planned);
      if (!dryRun && outcome !== 'too-old')
        audit(io, { command, service, id: letter.id, type: letter.type, outcome });
      report.add(letter, outcome);
    }
  });
  finish(io, options, report);
}

/** Spreads turns evenly, at most `perSecond` a second. A turn answers false once `signal` is aborted. */
function pace(perSecond: number, signal: AbortSignal): () => Promise<boolean> {
  let next = Date.now();
  return async () => {
    const wait = next - Date.now();
    next = Math.max(next, Date.now()) + 1_000 / perSecond;
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  };
}

async function carryOut(
  held: HeldDeadLetters,
  letter: DeadLetterMessage,
  planned: Outcome,
): Promise<Outcome> {
  if (planned === 'retried') return held.retry(letter);
  if (!keptOutcomes.has(planned)) await held.discard(letter);
  return planned;
}

function finish(io: Io, { dryRun }: WorkOptions, report: OutcomeReport<Outcome>): void {
  report.summarize();
  if (io.signal.aborted) throw new Failure('interrupted; the remaining letters are back in the queue');
  if (report.has('too-old')) {
    io.err(
      `too-old: older than the ${inboxDays} days that the inbox remembers, or of unknown age; --force retries them`,
    );
  }
  if (report.has('unroutable'))
    io.err('unroutable: the service’s events queue is missing; start the service once');
  if (!dryRun && [...keptOutcomes].some((outcome) => report.has(outcome)))
    throw new Failure('some letters were kept');
}
