/**
 * `about`: the person whose data an event carries, so that it goes when they do. `erased`: who is gone, as long as the
 * outbox may still get, or publish, something about them.
 */
export const erasure = `
ALTER TABLE messaging.outbox ADD COLUMN about text COLLATE "C";
CREATE INDEX outbox_about ON messaging.outbox (about) WHERE about IS NOT NULL;

CREATE TABLE messaging.erased (
  user_id text COLLATE "C" PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT now()
);
`;
