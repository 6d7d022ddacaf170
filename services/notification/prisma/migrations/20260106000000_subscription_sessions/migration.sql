-- AlterTable
ALTER TABLE "push_subscriptions" ADD COLUMN     "session_id" TEXT;

-- CreateTable
CREATE TABLE "revoked_sessions" (
    "id" TEXT NOT NULL,
    "tokens_end_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "revoked_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "revoked_sessions_tokens_end_at_idx" ON "revoked_sessions"("tokens_end_at");
