/**
 * `parked_at`: the broker refused the event, and it waits for a person. `claimed_until` is `infinity` then, so that no
 * relay takes it, of the build before this one neither. A row that nobody ever owned is free since it was made: then it
 * waits behind what is free for longer, and one index order serves all polls.
 */
export const parked = `
ALTER TABLE messaging.outbox ADD COLUMN parked_at timestamptz,
  ADD COLUMN parked_because text,
  ALTER COLUMN claimed_until SET DEFAULT now();
`;
