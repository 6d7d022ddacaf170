import type { Revocations } from '@warren/contracts';
import {
  type RevocationCursor,
  readRevocationCursor,
  writeRevocationCursor,
} from '../domain/revocation-cursor.js';
import type { UserDb } from './database.js';
import { type RevocationRow, toRevoked } from './revocations.js';

export type RevocationsPage = Required<Revocations>;

interface PageRow extends RevocationRow {
  epoch: string;
  /** The oldest transaction that was still running, as decimal digits. */
  horizon: string;
  /** Whether the cursor is of this database, and of the time since it was last restored. */
  known: boolean;
  writtenBy: string;
  /** Null where the page is empty. */
  sessionId: string;
}

const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * A page of at most `limit` revocations in force: those that were committed since the cursor `after` was given out, or all
 * without it, in the order of the transactions that wrote them. A cursor that can't be read, or was given out before the
 * database was restored, begins anew. `messaging` is the name of the kit's schema, which holds the database's epoch.
 *
 * Transactions commit in another order than they begin. So a cursor that held the newest date or number would skip what
 * commits late. It holds instead the oldest transaction that was still running in the snapshot of the first page: all
 * older ones had ended, so that this reading saw whatever they committed. The next reading begins there. It repeats what
 * was written since and seen already, which is as much as was revoked meanwhile.
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

/** `last`: the last row of a page that more pages follow. */
function nextCursor(
  { epoch, horizon, known }: PageRow,
  cursor: RevocationCursor | undefined,
  last: PageRow | undefined,
): string {
  const floor = known && cursor?.behind ? cursor.floor : horizon;
  const behind = last && { behind: { writtenBy: last.writtenBy, sessionId: last.sessionId } };
  return writeRevocationCursor({ epoch, floor, ...behind });
}

/** One statement, so that the rows and the horizon are of one snapshot. */
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
