-- AlterTable
ALTER TABLE "user_copies" ADD COLUMN IF NOT EXISTS "erase_after" UUID;

-- CreateIndex
CREATE INDEX IF NOT EXISTS "user_copies_erase_idx" ON "user_copies"("id") WHERE (erase_after IS NOT NULL);

-- CreateIndex
CREATE INDEX IF NOT EXISTS "operations_confirm_payment_id_idx" ON "operations"("payment_id") WHERE (kind = 'confirm');
