/**
 * How far a process has read the list of revocations. A **read** is a sequence of pages, up to the first page without
 * `more`.
 */
export interface RevocationCursor {
  /** The epoch of the database. A restored database begins a new epoch, in which transaction ids start again. */
  epoch: string;
  /**
   * The transaction id, in decimal digits, at which the next read begins. All transactions with lower ids had ended
   * when this read began.
   */
  floor: string;
  /** The last revocation of the previous page of this read. */
  behind?: { writtenBy: string; sessionId: string };
}

const shape = /^1-([0-9a-f]{16})-(\d{1,18})(?:-(\d{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/;

export function writeRevocationCursor({ epoch, floor, behind }: RevocationCursor): string {
  return ['1', epoch, floor, ...(behind ? [behind.writtenBy, behind.sessionId] : [])].join('-');
}

/** `undefined` if the text is no cursor of this format. */
export function readRevocationCursor(cursor: string): RevocationCursor | undefined {
  const [, epoch, floor, writtenBy, sessionId] = shape.exec(cursor) ?? [];
  if (epoch === undefined || floor === undefined) return undefined;
  return { epoch, floor, ...(writtenBy && sessionId && { behind: { writtenBy, sessionId } }) };
}
