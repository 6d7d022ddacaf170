import type { Schema } from '../schema.js';

/** Work that only one process does at a time: which process does it, and until when no other process may. */
export const lease = (schema: Schema) => `
CREATE TABLE ${schema}.lease (
  name text PRIMARY KEY,
  holder uuid NOT NULL,
  until timestamptz NOT NULL
);
`;
