-- AlterTable
ALTER TABLE "users" ADD COLUMN     "password_by_mail" BOOLEAN NOT NULL DEFAULT false;
