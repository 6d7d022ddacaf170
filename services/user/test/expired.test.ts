import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deleteExpired, deleteExpiredSessions } from '../src/store/expired.js';
import { openClient } from './support/client.js';
import { query } from './support/query.js';
import { type Running, runUserService } from './support/service.js';

describe('pruning', () => {
  let running: Running;
  let client: ReturnType<typeof openClient>;
  beforeAll(async () => {
    running = await runUserService({ every: 3_600_000 });
    client = openClient(running.database.url);
  });
  afterAll(async () => {
    await client.close();
    await running.close();
  });

  it('finds expired rows without reading the others', async () => {
    await query(
      running.database.url,
      `WITH u AS (
        INSERT INTO users (id, email, password_hash, display_name, locale, time_zone)
        SELECT gen_random_uuid(), 'person-' || n, '', 'P', 'en', 'UTC' FROM generate_series(1, 20000) n RETURNING id
      ), s AS (
        INSERT INTO sessions (id, user_id, rotation_key, expires_at)
        SELECT gen_random_uuid(), id, '', now() + interval '30 days' FROM u RETURNING id, user_id
      ), r AS (
        INSERT INTO session_revocations (session_id, user_id, reason, revoked_at, tokens_end_at)
        SELECT id, user_id, 'signed-out', now(), now() + interval '1 hour' FROM s
      )
      INSERT INTO attempts (key, count, waits_until, forget_at)
      SELECT id, 1, now(), now() + interval '1 hour' FROM u`,
    );
    const read = await client.prisma.$transaction(async (tx) => {
      await deleteExpired(tx, new Date(), new AbortController().signal);
      await deleteExpiredSessions(tx, new Date(), 100);
      return await tx.$queryRaw<{ table: string }[]>`
        SELECT relname AS "table" FROM pg_stat_xact_user_tables
        WHERE seq_tup_read > 100 AND schemaname = 'public'`;
    });
    expect(read).toEqual([]);
  });
});
