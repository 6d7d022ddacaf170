CREATE TABLE "user_copies" (
    "id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "deleted" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "user_copies_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "payments" (
    "id" UUID NOT NULL,
    "payer_id" UUID NOT NULL,
    "recipient_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount_refunded" BIGINT NOT NULL DEFAULT 0,
    "status" TEXT NOT NULL,
    "description" TEXT,
    "failure_code" TEXT,
    "next_action" JSONB,
    "client_secret" TEXT,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "payments_two_people" CHECK ("payer_id" <> "recipient_id"),
    CONSTRAINT "payments_amount" CHECK ("amount" > 0),
    CONSTRAINT "payments_refunded_at_most" CHECK ("amount_refunded" BETWEEN 0 AND "amount"),
    CONSTRAINT "payments_status" CHECK ("status" IN ('processing', 'requires_action', 'succeeded', 'failed', 'canceled'))
);

CREATE TABLE "operations" (
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "payment_method" TEXT NOT NULL,
    "leased_until" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "correlation_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "operations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "operations_kind" CHECK ("kind" IN ('charge')),
    CONSTRAINT "operations_open_or_settled" CHECK (("leased_until" IS NULL) = ("settled_at" IS NOT NULL))
);

CREATE INDEX "payments_payer_id_id_idx" ON "payments"("payer_id", "id");

CREATE INDEX "payments_recipient_id_id_idx" ON "payments"("recipient_id", "id") WHERE (status = 'succeeded');

CREATE UNIQUE INDEX "operations_payment_id_key" ON "operations"("payment_id") WHERE (kind = 'charge');

CREATE INDEX "operations_leased_until_idx" ON "operations"("leased_until") WHERE (settled_at IS NULL);

ALTER TABLE "operations" ADD CONSTRAINT "operations_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
