/**
 * Which fields of a feed entry are the words of somebody else than its reader, so that they go when that person does. A
 * row goes with its entry; it holds no words itself.
 */
export const feedPersonal = `
CREATE TABLE messaging.feed_personal (
  user_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  person text COLLATE "C" NOT NULL,
  fields text[] NOT NULL,
  PRIMARY KEY (user_id, seq)
);
CREATE INDEX feed_personal_person ON messaging.feed_personal (person);
`;
