-- Builds without books still settle payments while this one takes over. What they settle gets its movement all the
-- same: with their own commit, whatever is left of what a movement needs being known here.
CREATE OR REPLACE FUNCTION "ledger_post_payment"(uuid) RETURNS void LANGUAGE sql AS '
  WITH paid AS MATERIALIZED (
    SELECT p.*, o.id AS operation_id
    FROM payments p JOIN operations o ON o.payment_id = p.id AND o.kind = ''charge''
    WHERE p.id = $1 AND p.status = ''succeeded''
      AND NOT EXISTS (SELECT FROM ledger_movements m WHERE m.payment_id = p.id AND m.kind = ''payment'')
  ), movement AS (
    INSERT INTO ledger_movements (id, payment_id, operation_id, kind, created_at)
    SELECT gen_random_uuid(), id, operation_id, ''payment'', updated_at FROM paid
    RETURNING id, payment_id
  )
  INSERT INTO ledger_entries (movement_id, position, account, currency, amount)
  SELECT m.id, line.position, line.account, p.currency, line.amount
  FROM movement m JOIN paid p ON p.id = m.payment_id
  CROSS JOIN LATERAL (VALUES
    (0, ''clearing:'' || p.provider, -p.amount),
    (1, ''person:'' || p.payer_id, p.amount),
    (2, ''person:'' || p.payer_id, -p.amount),
    (3, ''person:'' || p.recipient_id, p.amount)
  ) AS line(position, account, amount)
';

-- Migrations are cut at semicolons before they are run, so those inside of a function are written \x3B.
CREATE OR REPLACE FUNCTION "ledger_has_payment"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  PERFORM ledger_post_payment(NEW.id)\x3B
  RETURN NULL\x3B
END';

-- At the commit: who writes books has done so by then, and nothing is added.
DROP TRIGGER IF EXISTS "payments_in_ledger" ON "payments";
CREATE CONSTRAINT TRIGGER "payments_in_ledger" AFTER UPDATE OF "status" ON "payments"
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW."status" = 'succeeded' AND OLD."status" <> 'succeeded')
  EXECUTE FUNCTION "ledger_has_payment"();

-- What was settled between the migration to books and the trigger, which has waited for all who were settling.
SELECT "ledger_post_payment"(p."id") FROM "payments" p
WHERE p."status" = 'succeeded'
  AND NOT EXISTS (SELECT FROM "ledger_movements" m WHERE m."payment_id" = p."id" AND m."kind" = 'payment');
