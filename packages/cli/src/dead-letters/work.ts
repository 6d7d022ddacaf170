import type { DeadLetterMessage, HeldDeadLetters } from '@warren/event-bus';
import { audit } from '../audit.js';
import { Failure, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { oneLine } from '../text.js';
import { factsOf } from './event.js';
import { withLetters } from './hold.js';
import { handledAlready, inboxDays } from './inbox.js';
import { isFiltered, type SelectOptions } from './options.js';
import { pace } from './pace.js';

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

/** What became of a letter, or would. */
type Outcome =
  | 'retried'
  | 'discarded'
  /** Discarded, since the inbox holds it. */
  | 'already-handled'
  /** Left: the inbox may have forgotten it, so that its effects could happen twice. */
  | 'too-old'
  /** Left: the events queue is missing. */
  | 'unroutable';

const left: ReadonlySet<Outcome> = new Set(['too-old', 'unroutable']);

/** The broker takes a consumer for dead that holds messages for half an hour. */
const longestMs = 20 * 60_000;

export function retry(io: Io, options: RetryOptions): Promise<void> {
  return work(io, 'dead-letters retry', options, (held) => plansForRetry(io, options, held));
}

export function discard(io: Io, options: DiscardOptions): Promise<void> {
  if (!isFiltered(options) && !options.all) {
    throw new UsageError('which ones? Give a filter (--id, --type, --reason, --since, --before) or --all');
  }
  return work(io, 'dead-letters discard', options, async () => () => 'discarded');
}

type Plan = (letter: DeadLetterMessage) => Outcome;

async function plansForRetry(io: Io, { service, force }: RetryOptions, held: HeldDeadLetters): Promise<Plan> {
  const facts = new Map(held.letters.map((letter) => [letter, factsOf(letter, held.bodyOf(letter))]));
  const effective = held.letters.filter((letter) => !facts.get(letter)?.replayed);
  const handled = await handledAlready(
    io,
    service,
    effective.map(({ id }) => id),
  );
  const oldest = Date.now() - inboxDays * 86_400_000;
  return (letter) => {
    const { time, replayed } = facts.get(letter) ?? { time: undefined, replayed: false };
    if (replayed) return 'retried';
    if (handled.has(letter.id)) return 'already-handled';
    return force || (time !== undefined && time >= oldest) ? 'retried' : 'too-old';
  };
}

async function work(
  io: Io,
  command: string,
  options: WorkOptions,
  makePlan: (held: HeldDeadLetters) => Promise<Plan>,
): Promise<void> {
  const { service, limit, rate, dryRun } = options;
  if ((limit / rate) * 1_000 > longestMs) {
    throw new UsageError(
      `${limit} letters at ${rate} a second take too long for the broker: at most 20 minutes`,
    );
  }
  const counts = new Map<Outcome, number>();
  await withLetters(io, options, async (held) => {
    const plan = await makePlan(held);
    const turn = pace(rate, io.signal);
    for (const letter of held.letters) {
      const planned = plan(letter);
      // What nothing is done about takes no turn.
      if (!dryRun && !left.has(planned) && !(await turn())) break;
      const outcome = dryRun ? planned : await carryOut(held, letter, planned);
      if (!dryRun && outcome !== 'too-old')
        audit(io, { command, service, id: letter.id, type: letter.type, outcome });
      tell(io, options, letter, outcome);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
  });
  finish(io, options, counts);
}

async function carryOut(
  held: HeldDeadLetters,
  letter: DeadLetterMessage,
  planned: Outcome,
): Promise<Outcome> {
  if (planned === 'retried') return held.retry(letter);
  if (!left.has(planned)) await held.discard(letter);
  return planned;
}

function tell(
  io: Io,
  { json, dryRun }: WorkOptions,
  { id, type }: DeadLetterMessage,
  outcome: Outcome,
): void {
  if (json) io.out(JSON.stringify({ id, type, outcome, dryRun: dryRun ?? false }));
  else io.out(`${outcome.padEnd(15)}  ${oneLine(id, 64) || '(no id)'}  ${oneLine(type, 64)}`);
}

function finish(io: Io, { dryRun }: WorkOptions, counts: ReadonlyMap<Outcome, number>): void {
  const summary = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'nothing to do';
  io.err(`${dryRun ? 'dry run, nothing was changed: ' : ''}${summary}`);
  if (io.signal.aborted) throw new Failure('interrupted; what was not done yet is back in the queue');
  if (counts.has('too-old')) {
    io.err(
      `too old: from before what the inbox remembers (${inboxDays} days), or of unknown age; --force retries all the same`,
    );
  }
  if (counts.has('unroutable'))
    io.err('unroutable: the service’s events queue is missing; start the service once');
  if (!dryRun && [...left].some((outcome) => counts.has(outcome)))
    throw new Failure('some letters were left');
}
