import type { Schema } from '../schema.js';

/**
 * `ensure` fails the transaction if an assumption of its work does not hold, because another transaction was faster. The
 * unit of work recognizes the failure by its SQLSTATE.
 */
export const ensure = (schema: Schema) => `
CREATE FUNCTION ${schema}.ensure(holds boolean, otherwise text, actual text DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF holds THEN
    RETURN true;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'WRACE', MESSAGE = otherwise, DETAIL = coalesce(actual, '');
END;
$$;
`;
