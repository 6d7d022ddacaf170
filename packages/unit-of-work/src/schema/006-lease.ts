/** Work that one process does at a time: who does it now, and until when nobody else may. */
export const lease = `
CREATE TABLE messaging.lease (
  name text PRIMARY KEY,
  holder uuid NOT NULL,
  until timestamptz NOT NULL
);
`;
