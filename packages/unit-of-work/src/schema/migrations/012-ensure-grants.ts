import type { Schema } from '../schema.js';

/** Like the other functions of the kit, `ensure` may be called only by the roles that it is granted to. */
export const ensureGrants = (schema: Schema) => `
REVOKE ALL ON FUNCTION ${schema}.ensure(boolean, text, text) FROM PUBLIC;
`;
