-- CreateIndex
CREATE INDEX IF NOT EXISTS "operations_confirm_payment_id_idx" ON "operations"("payment_id") WHERE (kind = 'confirm');
