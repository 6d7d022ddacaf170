-- Which transaction wrote a revocation, so that who asks for what came since misses none that is committed late: see the
-- pages of revocations. Builds that don't know the column write it all the same. Those that are there already come
-- first. The index is made at once: the table holds only what was revoked within the life of access tokens.
ALTER TABLE "session_revocations" ADD COLUMN IF NOT EXISTS "written_by" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "session_revocations" ALTER COLUMN "written_by" SET DEFAULT ((pg_current_xact_id())::text)::bigint;

-- CreateIndex
CREATE INDEX IF NOT EXISTS "session_revocations_written_by_session_id_idx" ON "session_revocations"("written_by", "session_id");
