CREATE TABLE "user_copies" (
    "id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "deleted" BOOLEAN NOT NULL DEFAULT false,
    "display_name" TEXT,
    "locale" TEXT,
    "time_zone" TEXT,

    CONSTRAINT "user_copies_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "user_copies_whole_or_erased" CHECK (
        CASE WHEN "deleted" THEN "display_name" IS NULL AND "locale" IS NULL AND "time_zone" IS NULL
        ELSE "display_name" IS NOT NULL AND "locale" IS NOT NULL AND "time_zone" IS NOT NULL END)
);

CREATE TABLE "notifications" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "event_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "body" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "seen_at" TIMESTAMPTZ(3),
    "read_at" TIMESTAMPTZ(3),
    "archived_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "counts" (
    "user_id" UUID NOT NULL,
    "unread" INTEGER NOT NULL,
    "unseen" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "counts_pkey" PRIMARY KEY ("user_id"),
    CONSTRAINT "counts_not_negative" CHECK ("unread" >= 0 AND "unseen" >= 0)
);

CREATE UNIQUE INDEX "notifications_event_id_user_id_kind_key" ON "notifications"("event_id", "user_id", "kind");

CREATE INDEX "notifications_user_id_id_idx" ON "notifications"("user_id", "id");

CREATE INDEX "notifications_unread_idx" ON "notifications"("user_id", "id") WHERE (read_at IS NULL AND archived_at IS NULL);
