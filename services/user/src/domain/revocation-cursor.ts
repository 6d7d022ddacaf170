/**
 * How far a process has read the revocations. A reading is a run of pages from the first one to the one without `more`.
 */
export interface RevocationCursor {
  /** The epoch of the database: a restored one counts its transactions anew. */
  epoch: string;
  /**
   * A transaction id in decimal digits, from which on the next reading begins: all transactions below it had ended when
   * this reading began.
   */
  floor: string;
  /** The last revocation of the page before, within a reading. */
  behind?: { writtenBy: string; sessionId: string };
}

const shape = /^1-([0-9a-f]{16})-(\d{1,18})(?:-(\d{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/;

export function writeRevocationCursor({ epoch, floor, behind }: RevocationCursor): string {
  return ['1', epoch, floor, ...(behind ? [behind.writtenBy, behind.sessionId] : [])].join('-');
}

/** `undefined` for text that is no cursor of this layout. */
export function readRevocationCursor(cursor: string): RevocationCursor | undefined {
  const [, epoch, floor, writtenBy, sessionId] = shape.exec(cursor) ?? [];
  if (epoch === undefined || floor === undefined) return undefined;
  return { epoch, floor, ...(writtenBy && sessionId && { behind: { writtenBy, sessionId } }) };
}
