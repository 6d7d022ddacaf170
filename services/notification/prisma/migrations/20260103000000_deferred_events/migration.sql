-- CreateTable
CREATE TABLE "deferred_events" (
    "id" TEXT NOT NULL,
    "event" JSONB NOT NULL,
    "people" UUID[],
    "tries" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "deferred_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "deferred_events_due_at_idx" ON "deferred_events"("due_at");
