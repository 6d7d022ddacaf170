-- AlterTable
ALTER TABLE "user_copies" ADD COLUMN     "email" TEXT;

-- CreateTable
CREATE TABLE "preferences" (
    "user_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL,

    CONSTRAINT "preferences_pkey" PRIMARY KEY ("user_id","kind","channel")
);

-- CreateTable
CREATE TABLE "push_subscriptions" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "endpoint" TEXT NOT NULL,
    "p256dh" TEXT NOT NULL,
    "auth" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "push_subscriptions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deliveries" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "event_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "address" TEXT,
    "content" JSONB,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "give_up_at" TIMESTAMPTZ(3) NOT NULL,
    "failure" TEXT,
    "outcome" TEXT,
    "settled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "vapid_keys" (
    "one" BOOLEAN NOT NULL DEFAULT true,
    "public_key" TEXT NOT NULL,
    "private_key" TEXT NOT NULL,

    CONSTRAINT "vapid_keys_pkey" PRIMARY KEY ("one")
);

-- CreateIndex
CREATE UNIQUE INDEX "push_subscriptions_endpoint_key" ON "push_subscriptions"("endpoint");

-- CreateIndex
CREATE INDEX "push_subscriptions_user_id_created_at_idx" ON "push_subscriptions"("user_id", "created_at");

-- CreateIndex
CREATE INDEX "deliveries_user_id_idx" ON "deliveries"("user_id");

-- CreateIndex
CREATE INDEX "deliveries_due_idx" ON "deliveries"("channel", "due_at") WHERE (settled_at IS NULL);

-- CreateIndex
CREATE INDEX "deliveries_settled_idx" ON "deliveries"("settled_at") WHERE (settled_at IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "deliveries_event_id_user_id_kind_channel_target_key" ON "deliveries"("event_id", "user_id", "kind", "channel", "target");

-- CreateIndex
CREATE INDEX "user_copies_without_email_idx" ON "user_copies"("id") WHERE (email IS NULL AND NOT deleted);

-- A build that keeps no emails can't erase them: it is refused, and the event comes again for one that can.
ALTER TABLE "user_copies" ADD CONSTRAINT "user_copies_email_erased" CHECK (NOT "deleted" OR "email" IS NULL);

ALTER TABLE "deliveries"
    ADD CONSTRAINT "deliveries_channel" CHECK ("channel" IN ('email', 'push')),
    ADD CONSTRAINT "deliveries_settled_and_erased" CHECK (
        CASE WHEN "settled_at" IS NULL THEN "outcome" IS NULL AND "content" IS NOT NULL
        ELSE "outcome" IN ('sent', 'given-up') AND "content" IS NULL AND "address" IS NULL END);

ALTER TABLE "vapid_keys" ADD CONSTRAINT "vapid_keys_one" CHECK ("one");
