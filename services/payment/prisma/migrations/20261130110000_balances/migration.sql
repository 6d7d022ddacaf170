-- What each person holds, beside the entries that it is the sum of, so that nobody has to add them all up. Accounts of
-- providers have none: every payment would wait for the one before, and nobody asks.
CREATE TABLE IF NOT EXISTS "ledger_balances" (
    "account" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" DECIMAL(38,0) NOT NULL,

    CONSTRAINT "ledger_balances_pkey" PRIMARY KEY ("account","currency"),
    CONSTRAINT "ledger_balances_account" CHECK ("account" LIKE 'person:%')
) WITH (fillfactor = 70);

-- Whoever inserts entries, also a build that knows of no balances, changes the balances with the same statement. With
-- the rights of the owner: the role that a service works as can't change them in any other way.
--
-- An account without a row gets one with the sum of its entries. Those of others that aren't committed are not in that
-- sum: whoever wrote them waits here for the row, and adds theirs. In sorted order, so that nobody waits in a circle.
--
-- Migrations are cut at semicolons before they are run, so those inside of a function are written \x3B.
CREATE OR REPLACE FUNCTION "ledger_keep_balances"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS E'
DECLARE
  moved record\x3B
BEGIN
  IF TG_RELID <> ''public.ledger_entries''::regclass THEN
    RAISE EXCEPTION ''No entries of the ledger: %'', TG_RELID::regclass USING ERRCODE = ''insufficient_privilege''\x3B
  END IF\x3B
  FOR moved IN
    SELECT account, currency, sum(amount) AS amount FROM added WHERE account LIKE ''person:%''
    GROUP BY account, currency ORDER BY account, currency
  LOOP
    -- Money that only passes through, as through a payer, waits for nobody.
    IF moved.amount = 0 THEN
      PERFORM FROM ledger_balances WHERE account = moved.account AND currency = moved.currency\x3B
    ELSE
      UPDATE ledger_balances SET amount = amount + moved.amount
      WHERE account = moved.account AND currency = moved.currency\x3B
    END IF\x3B
    CONTINUE WHEN FOUND\x3B
    INSERT INTO ledger_balances AS b (account, currency, amount)
    SELECT moved.account, moved.currency, sum(e.amount) FROM ledger_entries e
    WHERE e.account = moved.account AND e.currency = moved.currency
    ON CONFLICT (account, currency) DO UPDATE SET amount = b.amount + moved.amount\x3B
  END LOOP\x3B
  RETURN NULL\x3B
END';
REVOKE ALL ON FUNCTION "ledger_keep_balances"() FROM PUBLIC;

-- Lets the owner through: in a trigger, and in a migration that says so, which needs no lock that way.
CREATE OR REPLACE FUNCTION "ledger_balances_follow_entries"() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS E'
BEGIN
  IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    OR (pg_trigger_depth() < 2 AND current_setting(''warren.fills_balances'', true) IS DISTINCT FROM ''on'')
  THEN
    RAISE EXCEPTION ''Balances follow from the entries: no % of %'', TG_OP, TG_TABLE_NAME
      USING ERRCODE = ''insufficient_privilege''\x3B
  END IF\x3B
  RETURN NULL\x3B
END';

DROP TRIGGER IF EXISTS "ledger_balances_follow_entries" ON "ledger_balances";
CREATE TRIGGER "ledger_balances_follow_entries" BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "ledger_balances"
  FOR EACH STATEMENT EXECUTE FUNCTION "ledger_balances_follow_entries"();

-- What is wrong: nothing, at any moment, also while payments are made. For operators and tests.
CREATE OR REPLACE FUNCTION "ledger_wrong_balances"()
RETURNS TABLE ("account" text, "currency" char(3), "held" numeric, "sum" numeric)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS '
  SELECT account, currency, b.amount, e.amount
  FROM ledger_balances b FULL JOIN (
    SELECT account, currency, sum(amount) AS amount FROM ledger_entries
    WHERE account LIKE ''person:%'' GROUP BY account, currency
  ) e USING (account, currency)
  WHERE b.amount IS DISTINCT FROM e.amount
';

-- Waits for whoever is inserting, and lets nobody insert until this migration has committed: it does nothing more.
DROP TRIGGER IF EXISTS "ledger_entries_keep_balances" ON "ledger_entries";
CREATE TRIGGER "ledger_entries_keep_balances" AFTER INSERT ON "ledger_entries"
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION "ledger_keep_balances"();
