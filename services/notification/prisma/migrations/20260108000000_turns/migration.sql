-- The order in which deliveries are taken. Prisma knows no expressions in indexes, so its schema doesn't name this one.
CREATE INDEX IF NOT EXISTS "deliveries_turn_idx"
ON "deliveries"("channel", ("address" IS NULL OR "attempts" >= 5), "due_at") WHERE (settled_at IS NULL);

-- DropIndex
DROP INDEX IF EXISTS "deliveries_due_idx";

-- CreateIndex
CREATE INDEX IF NOT EXISTS "deliveries_waiting_pushes_idx" ON "deliveries"("target") WHERE (settled_at IS NULL AND channel = 'push');
