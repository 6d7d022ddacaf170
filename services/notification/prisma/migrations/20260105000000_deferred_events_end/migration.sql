-- CreateIndex
CREATE INDEX "deferred_events_created_at_idx" ON "deferred_events"("created_at");

-- CreateIndex
CREATE INDEX "deferred_events_people_idx" ON "deferred_events" USING GIN ("people");

UPDATE "deferred_events" SET "event" = jsonb_set("event", '{data,description}', 'null', false);
