import { Type } from 'typebox';
import { TimeValue } from './values.js';

/** A token that only the mailbox may see. Behind the `#` of a link it reaches no server's log. */
export const tokenValues = {
  token: Type.String({ minLength: 20, maxLength: 200, pattern: '^[A-Za-z0-9_-]+$' }),
  expiresAt: TimeValue,
};

export function tokenPath(page: string) {
  return ({ token }: { token: string }): string => `${page}#token=${encodeURIComponent(token)}`;
}
