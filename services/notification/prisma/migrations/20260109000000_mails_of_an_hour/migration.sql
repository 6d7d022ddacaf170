-- CreateIndex
CREATE INDEX IF NOT EXISTS "deliveries_mails_of_an_hour_idx" ON "deliveries"("user_id", "created_at") WHERE (channel = 'email');
