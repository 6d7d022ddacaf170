import type { RequestList, RevocationPage } from './source.js';

/** Milliseconds by which each request overlaps the previous one: a revocation may commit later than one with a newer date. */
const overlapMs = 60_000;
/** One in so many reads fetches the whole list, so that a date from a clock that is ahead doesn't hide others for long. */
const wholeEvery = 30;

const shape = /^dated:(\d{1,16}):(\d{1,4})$/;

/** Whether a cursor comes from `readDatedRevocations`. */
export function isDatedCursor(cursor: string): boolean {
  return shape.test(cursor);
}

/**
 * Reads the list of a user service that runs the previous release, which has no pages and filters by date: from a minute
 * before the newest known date, and regularly the whole list. A cursor holds that date, in milliseconds since 1970, and the
 * number of reads until the whole list is due. Rejects if `ask` rejects.
 *
 * To be removed in the release after this one.
 */
export async function readDatedRevocations(
  cursor: string | undefined,
  ask: RequestList,
): Promise<RevocationPage> {
  const [, date, left] = shape.exec(cursor ?? '') ?? [];
  const known = date === undefined ? undefined : Number(date);
  const since = known === undefined ? undefined : new Date(known - overlapMs).toISOString();
  const { revocations } = await ask({ since });
  const newest = newestOf(revocations, known ?? 0);
  const reads = left === undefined ? wholeEvery : Number(left);
  // Without a cursor, the next read also finds out whether the user service has pages by now.
  const next = newest > 0 && reads > 1 ? `dated:${newest}:${reads - 1}` : undefined;
  return { revocations, next, more: false };
}

/** In milliseconds since 1970. */
function newestOf(revocations: RevocationPage['revocations'], known: number): number {
  return revocations.reduce((newest, { revokedAt }) => Math.max(newest, Date.parse(revokedAt)), known);
}
