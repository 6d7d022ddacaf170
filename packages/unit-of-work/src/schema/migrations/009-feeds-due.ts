import type { Schema } from '../schema.js';

/**
 * When retention checks a feed next, so that the cost of a round depends on what there is to delete, not on how many
 * feeds there are.
 *
 * - `feed_head.due_at`: when the oldest entry becomes too old; null where the feed is empty. Only retention and the trigger
 *   write it, so that a write to a feed changes no index.
 * - `feed_head.due_seq`: the head at which the oldest entry is one too many.
 *
 * A feed is due at once (`-infinity`) when it begins, by the column's default. The trigger makes it due when an empty feed
 * gets an entry and when the head reaches `due_seq`. It is a trigger because older builds write feeds too.
 *
 * Feeds that exist already are scheduled by a scan, since updating all of them here would lock them for long.
 *
 * - `meta.feeds_walked`: the last user that the scan has handled; null if no scan is under way.
 * - `meta.feeds_kept`: the limits for which the feeds were scheduled. A new scan starts when they change.
 */
export const feedsDue = (schema: Schema) => `
ALTER TABLE ${schema}.feed_head ADD COLUMN due_at timestamptz, ADD COLUMN due_seq bigint;
ALTER TABLE ${schema}.feed_head ALTER COLUMN due_at SET DEFAULT '-infinity';
CREATE INDEX feed_head_due ON ${schema}.feed_head (due_at, user_id) WHERE due_at IS NOT NULL;
ALTER TABLE ${schema}.meta ADD COLUMN feeds_kept text, ADD COLUMN feeds_walked text COLLATE "C";

CREATE FUNCTION ${schema}.make_feed_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.due_at := '-infinity';
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION ${schema}.make_feed_due() FROM PUBLIC;

CREATE TRIGGER feed_due BEFORE UPDATE OF seq ON ${schema}.feed_head FOR EACH ROW
WHEN (NEW.due_at IS NULL OR (NEW.seq >= NEW.due_seq AND NEW.due_at > '-infinity'))
EXECUTE FUNCTION ${schema}.make_feed_due();
`;
