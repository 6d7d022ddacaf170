/**
 * `service`: whose database this is, noted by its first migration.
 *
 * The functions make and drop days of outbox and inbox with the rights of their owner. The role that a service runs as
 * may own nothing: it calls them, and has no other way to change a table. `day` is a day of UTC; `parent` is `outbox`
 * or `inbox`. Ids are UUIDv7, so the first 12 hexadecimal digits are milliseconds since 1970.
 */
export const owner = `
ALTER TABLE messaging.meta ADD COLUMN service text;

CREATE FUNCTION messaging.day_partition(parent text, day date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF parent IS NULL OR parent NOT IN ('outbox', 'inbox') OR day IS NULL OR NOT isfinite(day) THEN
    RAISE EXCEPTION 'no table by days: %, %', parent, day USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
END $$;

CREATE FUNCTION messaging.least_id(day date) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT left(hex, 8) || '-' || right(hex, 4) || '-0000-0000-000000000000'
  FROM lpad(to_hex((day - date '1970-01-01') * 86400000::bigint), 12, '0') AS hex
$$;

CREATE FUNCTION messaging.make_day(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := messaging.day_partition(parent, day);
  id text := CASE parent WHEN 'outbox' THEN 'id' ELSE 'event_id' END;
  from_id text := messaging.least_id(day);
  to_id text := messaging.least_id(day + 1);
  begun boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM messaging.%I WHERE %I >= %L AND %I < %L)',
    parent || '_rest', id, from_id, id, to_id) INTO begun;
  IF begun THEN RETURN false; END IF;
  EXECUTE format('CREATE TABLE messaging.%I (LIKE messaging.%I INCLUDING ALL)', partition, parent);
  EXECUTE format('ALTER TABLE messaging.%I ATTACH PARTITION messaging.%I FOR VALUES FROM (%L) TO (%L)',
    parent, partition, from_id, to_id);
  RETURN true;
END $$;

CREATE FUNCTION messaging.day_is_needed(parent text, day date, handled_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := messaging.day_partition(parent, day);
  needed boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM messaging.%I WHERE %s)', partition,
    CASE parent WHEN 'outbox' THEN 'published_at IS NULL' ELSE 'handled_at > $1' END) INTO needed USING handled_since;
  RETURN needed;
END $$;

CREATE FUNCTION messaging.detach_day(parent text, day date, handled_since timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text := messaging.day_partition(parent, day);
BEGIN
  IF messaging.day_is_needed(parent, day, handled_since) THEN RETURN false; END IF;
  EXECUTE format('LOCK TABLE ONLY messaging.%I IN ACCESS EXCLUSIVE MODE', parent);
  IF messaging.day_is_needed(parent, day, handled_since) THEN RETURN false; END IF;
  EXECUTE format('ALTER TABLE messaging.%I DETACH PARTITION messaging.%I', parent, partition);
  RETURN true;
END $$;

CREATE FUNCTION messaging.drop_detached(parent text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  detached text;
BEGIN
  SELECT relname INTO detached FROM pg_class
  WHERE relnamespace = 'messaging'::regnamespace AND relkind = 'r' AND NOT relispartition
    AND relname ~ '^(outbox|inbox)_[0-9]{8}$' AND starts_with(relname::text, parent || '_')
  LIMIT 1;
  IF detached IS NULL THEN RETURN false; END IF;
  EXECUTE format('DROP TABLE messaging.%I', detached);
  RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA messaging FROM PUBLIC;
`;
