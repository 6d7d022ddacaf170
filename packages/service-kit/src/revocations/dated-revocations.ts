import type { AskForRevocations, RevocationPage } from './source.js';

/** Each question overlaps the one before by so much: a revocation may commit later than one with a newer date. */
const overlapMs = 60_000;
/** Every so many reads the whole list is read: a date from a clock that is ahead must not hide others for long. */
const wholeEvery = 30;

const shape = /^dated:(\d{1,16}):(\d{1,4})$/;

/** Whether a cursor came from `readDatedRevocations`. */
export function isDatedCursor(cursor: string): boolean {
  return shape.test(cursor);
}

/**
 * Reads the list of a user service of the release before, which has no pages and only knows dates: from a minute before
 * the newest known date on, and now and then the whole list. A cursor holds that date, in milliseconds since 1970, and how
 * many reads are left until the whole list is due. Rejects as `ask` does.
 *
 * To be removed with the release after this one.
 */
export async function readDatedRevocations(
  cursor: string | undefined,
  ask: AskForRevocations,
): Promise<RevocationPage> {
  const [, date, left] = shape.exec(cursor ?? '') ?? [];
  const known = date === undefined ? undefined : Number(date);
  const since = known === undefined ? undefined : new Date(known - overlapMs).toISOString();
  const { revocations } = await ask({ since });
  const newest = newestOf(revocations, known ?? 0);
  const reads = left === undefined ? wholeEvery : Number(left);
  // Without a cursor the next read also finds out whether the user service has pages by then.
  const next = newest > 0 && reads > 1 ? `dated:${newest}:${reads - 1}` : undefined;
  return { revocations, next, more: false };
}

/** In milliseconds since 1970. */
function newestOf(revocations: RevocationPage['revocations'], known: number): number {
  return revocations.reduce((newest, { revokedAt }) => Math.max(newest, Date.parse(revokedAt)), known);
}
