/**
 * When retention looks at a feed again, so that its work follows what changed and not how many feeds there are.
 *
 * `feed_head.due_at`: when the oldest entry can be too old; null where there is none. `due_seq`: the number from which on
 * it can be one too many. Written by retention alone; a write to the feed leaves both as they are, and so the index.
 * Whatever outdates them makes the feed due at once: the default where a feed begins, the trigger where an empty one
 * gets an entry or one reaches its number. A trigger, since the builds before this one write feeds too.
 *
 * Feeds that were there before have no time yet, or making the index would keep everybody from writing for long. They
 * get theirs by a walk: `meta.feeds_walked` is the last that it came to, null where none is under way. `feeds_kept` is
 * how much the times were noted for: where that changes, a walk begins.
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
