import type { Revocations } from '@warren/contracts';
import {
  type RevocationCursor,
  readRevocationCursor,
  writeRevocationCursor,
} from '../domain/revocation-cursor.js';
import type { UserDb } from '../store/database.js';
import { type RevocationRow, toRevoked } from '../store/revocations.js';

/** The most revocations in an answer without pages: the newest ones, which stay in force for longest. */
const mostWithoutPages = 20_000;

/**
 * Revocations in force: all of them up to 20,000, or the ones since `since`. For services of the previous release,
 * which don't read pages.
 */
export async function recentRevocations(db: UserDb, now: Date, since?: Date): Promise<Revocations> {
  const rows = await db.sessionRevocation.findMany({
    where: { tokensEndAt: { gt: now }, ...(since && { revokedAt: { gte: since } }) },
    orderBy: { tokensEndAt: 'desc' },
    take: mostWithoutPages,
  });
  return { revocations: rows.reverse().map(toRevoked) };
}

export type RevocationsPage = Required<Revocations>;

interface PageRow extends RevocationRow {
  epoch: string;
  /** The id of the oldest transaction that was still running, in decimal digits. */
  horizon: string;
  /** Whether the cursor belongs to this epoch of the database. */
  known: boolean;
  writtenBy: string;
  /** Null if the page is empty. */
  sessionId: string;
}

const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * A page of at most `limit` revocations in force, in the order of the transactions that wrote them: all of them, or the
 * ones that were committed since the cursor `after` was issued. A cursor that is unreadable, or that was issued before
 * the database was restored, starts from the beginning. `messaging` is the name of the kit's schema, which holds the
 * database's epoch.
 *
 * Transactions commit in a different order than they begin. So a cursor with the newest date or number would skip
 * revocations that commit late. Instead, the cursor holds the oldest transaction that was still running in the snapshot
 * of the first page. All older transactions had ended, so this read saw everything that they committed. The next read
 * begins at that transaction. It repeats what was written since then and was already returned.
 */
export async function revocationPage(
  db: UserDb,
  now: Date,
  { after, limit, messaging }: { after?: string | undefined; limit: number; messaging: string },
): Promise<RevocationsPage> {
  const cursor = after === undefined ? undefined : readRevocationCursor(after);
  const rows = await db.$queryRawUnsafe<PageRow[]>(
    pageSql(messaging),
    cursor?.epoch ?? null,
    cursor?.floor ?? null,
    cursor?.behind?.writtenBy ?? null,
    cursor?.behind?.sessionId ?? null,
    now.toISOString(),
    limit + 1,
  );
  const [first] = rows;
  if (!first) throw new Error(`the schema ${messaging} has no epoch`);
  const found = rows.filter(({ sessionId }) => sessionId !== null);
  const page = found.slice(0, limit);
  const more = found.length > limit;
  return {
    revocations: page.map(toRevoked),
    next: nextCursor(first, cursor, more ? page.at(-1) : undefined),
    more,
  };
}

/** `last`: the last row of this page, if more pages follow. */
function nextCursor(
  { epoch, horizon, known }: PageRow,
  cursor: RevocationCursor | undefined,
  last: PageRow | undefined,
): string {
  const floor = known && cursor?.behind ? cursor.floor : horizon;
  const behind = last && { behind: { writtenBy: last.writtenBy, sessionId: last.sessionId } };
  return writeRevocationCursor({ epoch, floor, ...behind });
}

/** One statement, so that the rows and the horizon come from one snapshot. */
const pageSql = (messaging: string) => `
WITH here AS (
  SELECT epoch, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon FROM "${messaging}".meta
), place AS (
  SELECT epoch, horizon, coalesce($1::text = epoch AND $2::bigint <= horizon, false) AS known FROM here
), start AS (
  SELECT *, CASE WHEN known THEN coalesce($3::bigint, $2::bigint - 1) ELSE -1 END AS from_writer,
    coalesce($4::uuid, '${lastId}') AS from_id
  FROM place
)
SELECT p.epoch, p.horizon::text, p.known, r.*
FROM start p LEFT JOIN LATERAL (
  SELECT session_id::text AS "sessionId", user_id::text AS "userId", reason, revoked_at AS "revokedAt",
    tokens_end_at AS "tokensEndAt", written_by::text AS "writtenBy"
  FROM session_revocations s
  WHERE (s.written_by, s.session_id) > (p.from_writer, p.from_id) AND s.tokens_end_at > $5::timestamptz
  ORDER BY s.written_by, s.session_id LIMIT $6::int
) r ON true
ORDER BY r."writtenBy"::bigint, r."sessionId"::uuid`;
