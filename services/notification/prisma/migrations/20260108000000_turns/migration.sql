-- The order in which deliveries are taken. Prisma knows no expressions in indexes, so its schema names this one nowhere.
CREATE INDEX "deliveries_turn_idx" ON "deliveries"("channel", ("address" IS NULL), "due_at") WHERE (settled_at IS NULL);

-- DropIndex
DROP INDEX "deliveries_due_idx";

-- CreateIndex
CREATE INDEX "deliveries_waiting_pushes_idx" ON "deliveries"("target") WHERE (settled_at IS NULL AND channel = 'push');
