import type { Schema } from '../schema.js';

/**
 * `meta.service`: the service that owns this database, recorded by its first migration.
 *
 * The functions create and drop partitions of outbox and inbox with the rights of their owner. The role that a service
 * runs as may own no table: it calls these functions and has no other way to change one. `day` is a day of UTC, `parent`
 * is `outbox` or `inbox`. The first 12 hexadecimal digits of a UUIDv7 are milliseconds since 1970.
 */
export const owner = (schema: Schema) => `
ALTER TABLE ${schema}.meta ADD COLUMN service text;

CREATE FUNCTION ${schema}.day_partition(parent text, day date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF parent IS NULL OR parent NOT IN ('outbox', 'inbox') OR day IS NULL OR NOT isfinite(day) THEN
    RAISE EXCEPTION 'no table by days: %, %', parent, day USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
END $$;

CREATE FUNCTION ${schema}.least_id(day date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT left(hex, 8) || '-' || right(hex, 4) || '-0000-0000-000000000000'
  FROM lpad(to_hex((day - date '1970-01-01') * 86400000::bigint), 12, '0') AS hex
$$;

CREATE FUNCTION ${schema}.make_day(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := ${schema}.day_partition(parent, day);
  id text := CASE parent WHEN 'outbox' THEN 'id' ELSE 'event_id' END;
  from_id text := ${schema}.least_id(day);
  to_id text := ${schema}.least_id(day + 1);
  begun boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM ${schema}.%I WHERE %I >= %L AND %I < %L)',
    parent || '_rest', id, from_id, id, to_id) INTO begun;
  IF begun THEN RETURN false; END IF;
  EXECUTE format('CREATE TABLE ${schema}.%I (LIKE ${schema}.%I INCLUDING ALL)', partition, parent);
  EXECUTE format('ALTER TABLE ${schema}.%I ATTACH PARTITION ${schema}.%I FOR VALUES FROM (%L) TO (%L)',
    parent, partition, from_id, to_id);
  RETURN true;
END $$;

CREATE FUNCTION ${schema}.day_is_needed(parent text, day date, handled_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := ${schema}.day_partition(parent, day);
  needed boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM ${schema}.%I WHERE %s)', partition,
    CASE parent WHEN 'outbox' THEN 'published_at IS NULL' ELSE 'handled_at > $1' END) INTO needed USING handled_since;
  RETURN needed;
END $$;

CREATE FUNCTION ${schema}.detach_day(parent text, day date, handled_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := ${schema}.day_partition(parent, day);
BEGIN
  IF ${schema}.day_is_needed(parent, day, handled_since) THEN RETURN false; END IF;
  EXECUTE format('LOCK TABLE ONLY ${schema}.%I IN ACCESS EXCLUSIVE MODE', parent);
  IF ${schema}.day_is_needed(parent, day, handled_since) THEN RETURN false; END IF;
  EXECUTE format('ALTER TABLE ${schema}.%I DETACH PARTITION ${schema}.%I', parent, partition);
  RETURN true;
END $$;

CREATE FUNCTION ${schema}.drop_detached(parent text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  detached text;
BEGIN
  SELECT relname INTO detached FROM pg_class
  WHERE relnamespace = '${schema}'::regnamespace AND relkind = 'r' AND NOT relispartition
    AND relname ~ '^(outbox|inbox)_[0-9]{8}$' AND starts_with(relname::text, parent || '_')
  LIMIT 1;
  IF detached IS NULL THEN RETURN false; END IF;
  EXECUTE format('DROP TABLE ${schema}.%I', detached);
  RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${schema} FROM PUBLIC;
`;
