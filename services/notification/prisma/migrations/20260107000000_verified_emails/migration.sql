-- AlterTable
ALTER TABLE "user_copies" ADD COLUMN     "email_verified" BOOLEAN;

-- DropIndex
DROP INDEX "user_copies_without_email_idx";

-- CreateIndex
CREATE INDEX "user_copies_incomplete_idx" ON "user_copies"("id") WHERE ((email IS NULL OR email_verified IS NULL) AND NOT deleted);

-- A build that doesn't know it can't erase it: it is refused, and the event comes again for one that can.
ALTER TABLE "user_copies" ADD CONSTRAINT "user_copies_email_verified_erased"
    CHECK (NOT "deleted" OR "email_verified" IS NULL);
