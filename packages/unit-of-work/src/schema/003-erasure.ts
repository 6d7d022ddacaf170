/**
 * `about`: the person whose data an event carries, so that it goes when they do; days that were there before go without
 * its index, since making that would keep everybody from writing. `confidential`: goes as soon as it is published.
 * `erased`: who is gone, as long as the outbox may still get, or publish, something about them.
 */
export const erasure = `
ALTER TABLE messaging.outbox ADD COLUMN about text COLLATE "C",
  ADD COLUMN confidential boolean NOT NULL DEFAULT false;
CREATE INDEX outbox_about ON ONLY messaging.outbox (about) WHERE about IS NOT NULL;

CREATE TABLE messaging.erased (
  user_id text COLLATE "C" PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT now()
);
`;
