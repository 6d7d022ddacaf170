-- CreateTable
CREATE TABLE "presence_nodes" (
    "incarnation" UUID NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "presence_nodes_pkey" PRIMARY KEY ("incarnation")
);

-- CreateTable
CREATE TABLE "presence_connections" (
    "user_id" UUID NOT NULL,
    "incarnation" UUID NOT NULL,

    CONSTRAINT "presence_connections_pkey" PRIMARY KEY ("user_id","incarnation")
);

-- CreateTable
CREATE TABLE "presence_seen" (
    "user_id" UUID NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "presence_seen_pkey" PRIMARY KEY ("user_id")
);

-- CreateIndex
CREATE INDEX "presence_nodes_lease_until_idx" ON "presence_nodes"("lease_until");

-- CreateIndex
CREATE INDEX "presence_connections_incarnation_idx" ON "presence_connections"("incarnation");

-- AddForeignKey
ALTER TABLE "presence_connections" ADD CONSTRAINT "presence_connections_incarnation_fkey" FOREIGN KEY ("incarnation") REFERENCES "presence_nodes"("incarnation") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "presence_connections" ADD CONSTRAINT "presence_connections_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "presence_seen" ADD CONSTRAINT "presence_seen_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
