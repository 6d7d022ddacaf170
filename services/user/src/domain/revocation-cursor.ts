/**
 * Where somebody is who reads the revocations. `floor`: all transactions below it had ended when they began this
 * reading, so the next one begins there. `behind`: the last one of a page, while more pages follow.
 */
export interface RevocationCursor {
  /** Of the database: a restored one counts its transactions anew. */
  epoch: string;
  /** Decimal digits, as a transaction's id. */
  floor: string;
  behind?: { writtenBy: string; sessionId: string };
}

const shape = /^1-([0-9a-f]{16})-(\d{1,18})(?:-(\d{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/;

export function writeRevocationCursor({ epoch, floor, behind }: RevocationCursor): string {
  return ['1', epoch, floor, ...(behind ? [behind.writtenBy, behind.sessionId] : [])].join('-');
}

/** `undefined` for anything that isn't one, or is of another layout. */
export function readRevocationCursor(cursor: string): RevocationCursor | undefined {
  const [, epoch, floor, writtenBy, sessionId] = shape.exec(cursor) ?? [];
  if (epoch === undefined || floor === undefined) return undefined;
  return { epoch, floor, ...(writtenBy && sessionId && { behind: { writtenBy, sessionId } }) };
}
