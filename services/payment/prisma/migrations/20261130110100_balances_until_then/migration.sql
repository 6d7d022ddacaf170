-- The balances of accounts of which no entry was written since the trigger is there. Adding them up locks nothing. The
-- rows then come in one go: who is paid for the first time since waits for the end of that. Both together took 8 s for two
-- million entries of 400,000 people, on two busy cores. An account that has a row by then is right already, see the trigger.
CREATE TABLE IF NOT EXISTS "ledger_sums" AS
SELECT "account", "currency", sum("amount") AS "amount" FROM "ledger_entries"
WHERE "account" LIKE 'person:%' GROUP BY "account", "currency";

SET "warren.fills_balances" = 'on';
INSERT INTO "ledger_balances" ("account", "currency", "amount")
SELECT "account", "currency", "amount" FROM "ledger_sums" ORDER BY "account", "currency"
ON CONFLICT ("account", "currency") DO NOTHING;
RESET "warren.fills_balances";

DROP TABLE "ledger_sums";
