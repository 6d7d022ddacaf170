/** `about`: the person whose data an event carries, so that it goes when they do. */
export const erasure = `
ALTER TABLE messaging.outbox ADD COLUMN about text COLLATE "C";
CREATE INDEX outbox_about ON messaging.outbox (about) WHERE about IS NOT NULL;
`;
