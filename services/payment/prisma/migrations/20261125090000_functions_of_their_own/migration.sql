-- What a function looks for is in the schema of the service: a session's temporary tables, or its search_path, can't
-- stand in for the books that a trigger checks.
ALTER FUNCTION "ledger_movement_balances"() SET search_path = public, pg_temp;
ALTER FUNCTION "ledger_is_append_only"() SET search_path = public, pg_temp;
ALTER FUNCTION "ledger_post_payment"(uuid) SET search_path = public, pg_temp;
ALTER FUNCTION "ledger_has_payment"() SET search_path = public, pg_temp;
