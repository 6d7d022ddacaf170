-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "tokens_end_at" TIMESTAMPTZ(3);
