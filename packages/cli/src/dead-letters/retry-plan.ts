import type { DeadLetterMessage, HeldDeadLetters } from '@warren/event-bus';
import type { Io } from '../command.js';
import { hasDatabase, type Statement, withDatabase } from '../connections.js';

/** An inbox remembers the events that it handled for at least this many days. */
export const inboxDays = 14;

export type RetryOutcome =
  | 'retried'
  /** Discarded, because the inbox holds the event. */
  | 'already-handled'
  /** Kept: the inbox may have forgotten the event, so that its effects could happen twice. */
  | 'too-old';

interface EventFacts {
  /** When the event happened, in epoch milliseconds: the earliest of its times; `undefined` if it has none. */
  time: number | undefined;
  /** A replay sent it: it has no effects, and the inbox does not record it. */
  replayed: boolean;
}

/** Decides for each letter whether it may be retried. `force` also retries the ones that are too old. */
export async function planRetries(
  io: Io,
  { service, force }: { service: string; force?: true },
  held: HeldDeadLetters,
): Promise<(letter: DeadLetterMessage) => RetryOutcome> {
  const facts = new Map(held.letters.map((letter) => [letter, factsOf(letter, held.bodyOf(letter))]));
  const recorded = held.letters.filter((letter) => !facts.get(letter)?.replayed);
  const handled = await handledAlready(
    io,
    service,
    recorded.map(({ id }) => id),
  );
  const oldest = Date.now() - inboxDays * 86_400_000;
  return (letter) => {
    const { time, replayed } = facts.get(letter) ?? { time: undefined, replayed: false };
    if (replayed) return 'retried';
    if (handled.has(letter.id)) return 'already-handled';
    return force || (time !== undefined && time >= oldest) ? 'retried' : 'too-old';
  };
}

const handledStatement: Statement = (schema) => `
SELECT event_id AS id FROM ${schema}.inbox WHERE consumer = $1 AND event_id = ANY($2::text[])`;

/** The events that the service has handled; an empty set without DATABASE_URL. */
async function handledAlready(io: Io, service: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  if (!hasDatabase(io)) {
    io.err('DATABASE_URL is not set: the service itself discards the events that its inbox holds');
    return new Set();
  }
  return withDatabase(io, async (database) => {
    const rows = await database.rows<{ id: string }>(handledStatement, [service, ids]);
    return new Set(rows.map(({ id }) => id));
  });
}

function factsOf({ id, publishedAt }: DeadLetterMessage, body: string): EventFacts {
  const { time, replayid } = envelopeOf(body);
  const times = [timeOfId(id), dateOf(time), dateOf(publishedAt)].filter((each) => each !== undefined);
  return { time: times.length > 0 ? Math.min(...times) : undefined, replayed: typeof replayid === 'string' };
}

function envelopeOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The time that a UUIDv7 begins with. The inbox deletes its rows by this time. */
function timeOfId(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(id) ?? [];
  return high && low ? Number.parseInt(high + low, 16) : undefined;
}

function dateOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
