import type { DeadLetterMessage } from '@warren/event-bus';

/** What retrying depends on. */
export interface EventFacts {
  /** When it happened, in epoch milliseconds: the earliest that anything says; `undefined` if nothing does. */
  time: number | undefined;
  /** Part of a replay: it has no effects, and the inbox does not know it. */
  replayed: boolean;
}

export function factsOf({ id, publishedAt }: DeadLetterMessage, body: string): EventFacts {
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

/** The inbox is kept by this: a UUIDv7 begins with its time. */
function timeOfId(id: string): number | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(id) ?? [];
  return high && low ? Number.parseInt(high + low, 16) : undefined;
}

function dateOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
