import type { AskForRevocations, RevocationPage } from './source.js';

/** What is asked for again: a revocation may commit later than one that is dated after it. */
const overlapMs = 60_000;
/** Each so many looks all are read: a date from a clock that is ahead must not hide others for long. */
const wholeEvery = 30;

const shape = /^dated:(\d{1,16}):(\d{1,4})$/;

/**
 * The list of a user service of the release before, which knows dates only: those from a minute before the newest one
 * on, and now and then all. To be removed with the release after this one. Its cursors hold the newest date and how
 * many looks are left.
 */
export class DatedRevocations {
  made(cursor: string): boolean {
    return shape.test(cursor);
  }

  async read(cursor: string | undefined, ask: AskForRevocations): Promise<RevocationPage> {
    const [, date, left] = shape.exec(cursor ?? '') ?? [];
    const known = date === undefined ? undefined : Number(date);
    const since = known === undefined ? undefined : new Date(known - overlapMs).toISOString();
    const { revocations } = await ask({ since });
    const newest = newestOf(revocations, known ?? 0);
    const looks = left === undefined ? wholeEvery : Number(left);
    // After the last one it is seen anew what the user service understands.
    const next = newest > 0 && looks > 1 ? `dated:${newest}:${looks - 1}` : undefined;
    return { revocations, next, more: false };
  }
}

/** In milliseconds since 1970. */
function newestOf(revocations: RevocationPage['revocations'], known: number): number {
  return revocations.reduce((newest, { revokedAt }) => Math.max(newest, Date.parse(revokedAt)), known);
}
