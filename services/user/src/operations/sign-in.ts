import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { Clock, UserUow } from '../context.js';
import type { SessionClient } from '../domain/sessions.js';
import type { Passwords } from '../security/passwords.js';
import type { PrismaClient } from '../store/database.js';
import { findByEmail, lockUser, setPassword } from '../store/users.js';
import type { EndSessions } from './end-sessions.js';
import { evenOverloaded } from './even-overloaded.js';
import type { LiveSession } from './live-session.js';
import { openSession } from './open-session.js';
import type { ProvePassword } from './prove-password.js';

export interface SignInParts {
  client: PrismaClient;
  uow: UserUow;
  passwords: Passwords;
  provePassword: ProvePassword;
  endSessions: EndSessions;
  /** When a session that is opened or refreshed at this time will end. */
  sessionEnd(now: Date): Date;
  /** By when an access token that is given at this time will have ended. */
  tokensEnd(at: Date): Date;
  now: Clock;
}

export interface SignIn {
  /** Normalized. */
  email: string;
  password: string;
  client: SessionClient;
  network: string;
  cause: Cause;
}

/**
 * Opens a session for who knows the password. One that was changed after it was checked, and before the session is
 * there, opens none: ending all sessions would miss this one.
 *
 * Throws like `ProvePassword`.
 */
export async function signIn(parts: SignInParts, request: SignIn): Promise<LiveSession> {
  const { client: db, uow, passwords, provePassword, endSessions, sessionEnd, tokensEnd, now } = parts;
  const { email, password, client, network, cause } = request;
  const found = await findByEmail(db, email);
  const passwordHash = found?.passwordHash;
  const { isHashOutdated } = await provePassword({ email, network, password, passwordHash });
  if (!found) throw userError('wrong-credentials');
  const newHash = isHashOutdated ? await passwords.hash(password) : undefined;
  const opened = await uow.run(
    async (tx) => {
      const user = await lockUser(tx, found.id);
      if (!user || user.passwordHash !== passwordHash) return undefined;
      if (newHash !== undefined) await setPassword(tx, user.id, newHash);
      const at = now();
      const ends = { expiresAt: sessionEnd(at), tokensEndAt: tokensEnd(at) };
      const opening = { userId: user.id, client, now: at, ...ends };
      const session = await openSession(tx, opening, endSessions);
      return { user, session, generation: session.generation, at };
    },
    { ...evenOverloaded, cause },
  );
  if (opened) return opened;
  // Another sign-in may have replaced the outdated hash meanwhile: that is no new password. What it left is not outdated.
  if (isHashOutdated) return await signIn(parts, request);
  throw userError('wrong-credentials');
}
