-- The kinds of notice that other services have requested, for the preferences of everybody.
CREATE TABLE IF NOT EXISTS "notice_kinds" (
    "kind" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "email" BOOLEAN NOT NULL,
    "push" BOOLEAN NOT NULL,

    CONSTRAINT "notice_kinds_pkey" PRIMARY KEY ("kind")
);
