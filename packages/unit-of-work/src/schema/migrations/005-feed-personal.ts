import type { Schema } from '../schema.js';

/**
 * Which fields of a feed entry hold personal data of someone other than its reader, so that they can be removed when that
 * person is erased. A row is deleted with its entry and holds no personal data itself.
 */
export const feedPersonal = (schema: Schema) => `
CREATE TABLE ${schema}.feed_personal (
  user_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  person text COLLATE "C" NOT NULL,
  fields text[] NOT NULL,
  PRIMARY KEY (user_id, seq)
);
CREATE INDEX feed_personal_person ON ${schema}.feed_personal (person);
`;
