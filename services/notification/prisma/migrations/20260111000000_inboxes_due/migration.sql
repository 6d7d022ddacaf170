-- When the pruner looks at an inbox again: null where it is empty, 1970 for at once. `room`: how many notifications more
-- it may get before that. Inboxes that are there already are looked at once.
ALTER TABLE "counts" ADD COLUMN IF NOT EXISTS "due_at" TIMESTAMPTZ(3) DEFAULT '1970-01-01 00:00:00 +00:00'::timestamp with time zone,
ADD COLUMN IF NOT EXISTS "room" INTEGER;

-- CreateIndex
CREATE INDEX IF NOT EXISTS "counts_due_idx" ON "counts"("due_at", "user_id") WHERE (due_at IS NOT NULL);

-- A trigger, since the build before this one writes notifications too: each new one is unseen. Where an old one becomes
-- unseen again, the inbox is looked at early. Prisma splits files at semicolons: within a function they are \x3B.
CREATE OR REPLACE FUNCTION "counts_take_room"() RETURNS trigger LANGUAGE plpgsql AS E'
BEGIN
  NEW.room := NEW.room - (NEW.unseen - OLD.unseen)\x3B
  IF NEW.due_at IS NULL OR NEW.room < 0 THEN
    NEW.due_at := to_timestamp(0)\x3B
  END IF\x3B
  RETURN NEW\x3B
END';

DROP TRIGGER IF EXISTS "counts_due" ON "counts";
CREATE TRIGGER "counts_due" BEFORE UPDATE OF "unseen" ON "counts"
  FOR EACH ROW WHEN (NEW.unseen > OLD.unseen AND (NEW.due_at IS NULL OR NEW.due_at > to_timestamp(0)))
  EXECUTE FUNCTION "counts_take_room"();
