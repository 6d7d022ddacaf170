-- AlterTable
ALTER TABLE "push_subscriptions" ADD COLUMN     "failed_at" TIMESTAMPTZ(3),
ADD COLUMN     "failures" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "origin" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "proven" BOOLEAN NOT NULL DEFAULT false;

UPDATE "push_subscriptions" SET "origin" = lower(substring("endpoint" FROM '^https?://[^/?#]+'));
