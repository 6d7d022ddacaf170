import { type HeldDeadLetters, type Operator, OperatorError } from '@warren/event-bus';
import { withBroker } from '../connections.js';
import { Failure } from '../errors.js';
import type { Io } from '../io.js';
import { matches, type SelectOptions } from './options.js';

/** Runs `work` with the letters that were asked for, and gives back what it left. */
export function withLetters<T>(
  io: Io,
  options: SelectOptions,
  work: (held: HeldDeadLetters) => Promise<T>,
): Promise<T> {
  return withBroker(io, options.service, async (operator) => {
    const held = await hold(operator, options);
    try {
      tellWhatIsMissing(io, held);
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
    throw new Failure(`${error.message}. See docs/dead-letters.md; --despite-limit looks all the same`);
  }
}

function tellWhatIsMissing(io: Io, { letters, looked, matching, waiting, shared }: HeldDeadLetters): void {
  if (shared) io.err('somebody else is working on these dead letters: what they hold is missing here');
  if (letters.length < matching) io.err(`the oldest ${letters.length} of ${matching}; --limit goes further`);
  if (looked < waiting) io.err(`looked at ${looked} of ${waiting} dead letters; --scan goes further`);
}
