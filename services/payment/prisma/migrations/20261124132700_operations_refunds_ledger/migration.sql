-- Each statement is a transaction of its own, so each can be run again after one of them has failed.

-- AlterTable
ALTER TABLE "operations" ADD COLUMN IF NOT EXISTS "notices" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN IF NOT EXISTS "reference" TEXT,
ALTER COLUMN "payment_method" DROP NOT NULL,
DROP CONSTRAINT IF EXISTS "operations_kind",
ADD CONSTRAINT "operations_kind" CHECK ("kind" IN ('charge', 'confirm', 'cancel', 'refund'));

-- AlterTable
ALTER TABLE "payments" ADD COLUMN IF NOT EXISTS "provider" TEXT NOT NULL DEFAULT 'sandbox',
ADD COLUMN IF NOT EXISTS "refunds_pending" BIGINT NOT NULL DEFAULT 0,
DROP CONSTRAINT IF EXISTS "payments_refunds_at_most",
DROP CONSTRAINT IF EXISTS "payments_refunds_of_succeeded",
ADD CONSTRAINT "payments_refunds_at_most" CHECK ("refunds_pending" >= 0 AND "amount_refunded" + "refunds_pending" <= "amount"),
ADD CONSTRAINT "payments_refunds_of_succeeded" CHECK ("status" = 'succeeded' OR "amount_refunded" + "refunds_pending" = 0);

-- CreateTable
CREATE TABLE IF NOT EXISTS "refunds" (
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "amount" BIGINT NOT NULL,
    "status" TEXT NOT NULL,
    "failure_code" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "refunds_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "refunds_amount" CHECK ("amount" > 0),
    CONSTRAINT "refunds_status" CHECK ("status" IN ('pending', 'succeeded', 'failed'))
);

-- CreateTable
CREATE TABLE IF NOT EXISTS "ledger_movements" (
    "id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "operation_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ledger_movements_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "ledger_movements_kind" CHECK ("kind" IN ('payment', 'refund', 'refund-reversal'))
);

-- CreateTable
CREATE TABLE IF NOT EXISTS "ledger_entries" (
    "movement_id" UUID NOT NULL,
    "position" SMALLINT NOT NULL,
    "account" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "ledger_entries_pkey" PRIMARY KEY ("movement_id","position"),
    CONSTRAINT "ledger_entries_account" CHECK ("account" ~ '^(person|clearing):.'),
    CONSTRAINT "ledger_entries_amount" CHECK ("amount" <> 0)
);

-- CreateIndex
CREATE INDEX IF NOT EXISTS "refunds_payment_id_id_idx" ON "refunds"("payment_id", "id");

-- CreateIndex
CREATE INDEX IF NOT EXISTS "ledger_movements_payment_id_idx" ON "ledger_movements"("payment_id");

-- CreateIndex
CREATE UNIQUE INDEX IF NOT EXISTS "ledger_movements_operation_id_kind_key" ON "ledger_movements"("operation_id", "kind");

-- CreateIndex
CREATE INDEX IF NOT EXISTS "ledger_entries_account_currency_amount_idx" ON "ledger_entries"("account", "currency", "amount");

-- CreateIndex
CREATE UNIQUE INDEX IF NOT EXISTS "operations_open_payment_id_key" ON "operations"("payment_id") WHERE (kind <> 'refund' AND settled_at IS NULL);

-- AddForeignKey
ALTER TABLE "refunds" DROP CONSTRAINT IF EXISTS "refunds_payment_id_fkey",
ADD CONSTRAINT "refunds_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "ledger_movements" DROP CONSTRAINT IF EXISTS "ledger_movements_payment_id_fkey",
ADD CONSTRAINT "ledger_movements_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payments"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "ledger_entries" DROP CONSTRAINT IF EXISTS "ledger_entries_movement_id_fkey",
ADD CONSTRAINT "ledger_entries_movement_id_fkey" FOREIGN KEY ("movement_id") REFERENCES "ledger_movements"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- What was paid before there were books.
WITH paid AS MATERIALIZED (
  SELECT p.*, o."id" AS "operation_id"
  FROM "payments" p JOIN "operations" o ON o."payment_id" = p."id" AND o."kind" = 'charge'
  WHERE p."status" = 'succeeded'
    AND NOT EXISTS (SELECT FROM "ledger_movements" m WHERE m."payment_id" = p."id" AND m."kind" = 'payment')
), movement AS (
  INSERT INTO "ledger_movements" ("id", "payment_id", "operation_id", "kind", "created_at")
  SELECT gen_random_uuid(), "id", "operation_id", 'payment', "updated_at" FROM paid
  RETURNING "id", "payment_id"
)
INSERT INTO "ledger_entries" ("movement_id", "position", "account", "currency", "amount")
SELECT m."id", line."position", line."account", p."currency", line."amount"
FROM movement m JOIN paid p ON p."id" = m."payment_id"
CROSS JOIN LATERAL (VALUES
  (0, 'clearing:' || p."provider", -p."amount"),
  (1, 'person:' || p."payer_id", p."amount"),
  (2, 'person:' || p."payer_id", -p."amount"),
  (3, 'person:' || p."recipient_id", p."amount")
) AS line("position", "account", "amount");

-- The books balance: at the commit, whatever wrote them.
-- Migrations are cut at semicolons before they are run, so those inside of a function are written \x3B.
CREATE OR REPLACE FUNCTION "ledger_movement_balances"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_entries WHERE movement_id = (to_jsonb(NEW)->>TG_ARGV[0])::uuid)
    OR EXISTS (
      SELECT FROM ledger_entries WHERE movement_id = (to_jsonb(NEW)->>TG_ARGV[0])::uuid
      GROUP BY currency HAVING sum(amount) <> 0
    )
  THEN
    RAISE EXCEPTION ''The entries of ledger movement % do not sum to zero'', to_jsonb(NEW)->>TG_ARGV[0]
      USING ERRCODE = ''check_violation''\x3B
  END IF\x3B
  RETURN NULL\x3B
END';

DROP TRIGGER IF EXISTS "ledger_movements_balance" ON "ledger_movements";
CREATE CONSTRAINT TRIGGER "ledger_movements_balance" AFTER INSERT ON "ledger_movements"
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "ledger_movement_balances"('id');
DROP TRIGGER IF EXISTS "ledger_entries_balance" ON "ledger_entries";
CREATE CONSTRAINT TRIGGER "ledger_entries_balance" AFTER INSERT ON "ledger_entries"
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "ledger_movement_balances"('movement_id');

-- The books are only added to.
CREATE OR REPLACE FUNCTION "ledger_is_append_only"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  RAISE EXCEPTION ''The ledger is only added to: no % of %'', TG_OP, TG_TABLE_NAME
    USING ERRCODE = ''restrict_violation''\x3B
END';

DROP TRIGGER IF EXISTS "ledger_movements_append_only" ON "ledger_movements";
CREATE TRIGGER "ledger_movements_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_movements"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_is_append_only"();
DROP TRIGGER IF EXISTS "ledger_entries_append_only" ON "ledger_entries";
CREATE TRIGGER "ledger_entries_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "ledger_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_is_append_only"();
