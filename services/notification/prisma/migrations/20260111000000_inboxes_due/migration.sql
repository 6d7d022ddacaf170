-- When the pruner looks at an inbox again: null where it is empty, 1970 for at once. `room`: how many notifications more
-- it may get before that. Inboxes that are there already are looked at once.
ALTER TABLE "counts" ADD COLUMN     "due_at" TIMESTAMPTZ(3) DEFAULT '1970-01-01 00:00:00 +00:00'::timestamp with time zone,
ADD COLUMN     "room" INTEGER;

-- CreateIndex
CREATE INDEX "counts_due_idx" ON "counts"("due_at", "user_id") WHERE (due_at IS NOT NULL);

-- A trigger, since the build before this one writes notifications too: each new one is unseen. Where an old one becomes
-- unseen again, the inbox is looked at early.
CREATE FUNCTION "take_room"() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.room := NEW.room - (NEW.unseen - OLD.unseen);
  IF NEW.due_at IS NULL OR NEW.room < 0 THEN
    NEW.due_at := '1970-01-01 00:00:00 +00:00';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER "counts_due" BEFORE UPDATE OF "unseen" ON "counts" FOR EACH ROW
WHEN (NEW.unseen > OLD.unseen AND (NEW.due_at IS NULL OR NEW.due_at > '1970-01-01 00:00:00 +00:00'))
EXECUTE FUNCTION "take_room"();
