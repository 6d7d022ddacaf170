import type { Db } from './partitions.js';

const rowsPerDelete = 1_000;

/** What was published only after its person was erased. Some at a time; true if there may be more. */
export async function deleteAboutErased(db: Db): Promise<{ gone: number; more: boolean }> {
  const { rowCount } = await db.query(
    `DELETE FROM messaging.outbox WHERE id = ANY(ARRAY(
      SELECT o.id FROM messaging.erased e JOIN messaging.outbox o ON o.about = e.user_id
      WHERE o.published_at IS NOT NULL LIMIT ${rowsPerDelete} FOR UPDATE OF o SKIP LOCKED
    ))`,
  );
  return { gone: rowCount ?? 0, more: rowCount === rowsPerDelete };
}
