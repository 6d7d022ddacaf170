/**
 * `ensure` fails the transaction where something doesn't hold that its work took for granted, because another one was
 * faster. The unit of work knows it by its SQLSTATE.
 */
export const ensure = `
CREATE FUNCTION messaging.ensure(holds boolean, otherwise text, actual text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF holds THEN
    RETURN true;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'WRACE', MESSAGE = otherwise, DETAIL = coalesce(actual, '');
END;
$$;
`;
