import { hash, randomBytes } from 'node:crypto';

/** A token that is mailed to somebody: 256 random bits. Only its hash is kept, so that a database tells none. */
export function newMailedToken(): { token: string; tokenHash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, tokenHash: hashOf(token) };
}

/** A fast hash will do: nobody can go through 256 random bits. */
export function hashOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
