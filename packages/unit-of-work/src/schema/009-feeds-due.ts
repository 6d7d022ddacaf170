/**
 * When retention looks at a feed next, so that a round costs as much as there is to delete, however many feeds there are.
 *
 * `feed_head.due_at`: when the oldest entry is too old; null where the feed is empty. `due_seq`: the head at which the
 * oldest entry is one too many. Retention alone writes both. A write to a feed leaves them as they are, and so the index.
 *
 * A feed becomes due at once, `-infinity`, when it begins (the column's default), when it gets an entry while it is empty,
 * and when its head reaches `due_seq` (both by the trigger). It is a trigger, since older builds write feeds too.
 *
 * Feeds that exist already get their times by a walk of retention, since writing all of them here would lock them for
 * long. `meta.feeds_walked`: the last user that the walk has come to; null where none is under way. `meta.feeds_kept`: the
 * limits that the times were noted for; when these change, a new walk begins.
 */
export const feedsDue = `
ALTER TABLE messaging.feed_head ADD COLUMN due_at timestamptz, ADD COLUMN due_seq bigint;
ALTER TABLE messaging.feed_head ALTER COLUMN due_at SET DEFAULT '-infinity';
CREATE INDEX feed_head_due ON messaging.feed_head (due_at, user_id) WHERE due_at IS NOT NULL;
ALTER TABLE messaging.meta ADD COLUMN feeds_kept text, ADD COLUMN feeds_walked text COLLATE "C";

CREATE FUNCTION messaging.make_feed_due() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.due_at := '-infinity';
  RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION messaging.make_feed_due() FROM PUBLIC;

CREATE TRIGGER feed_due BEFORE UPDATE OF seq ON messaging.feed_head FOR EACH ROW
WHEN (NEW.due_at IS NULL OR (NEW.seq >= NEW.due_seq AND NEW.due_at > '-infinity'))
EXECUTE FUNCTION messaging.make_feed_due();
`;
