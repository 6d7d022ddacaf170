import type { Cause } from '@warren/unit-of-work';
import { userError } from '@warren/user-contract';
import type { SessionOrigin } from '../domain/sessions.js';
import { findByEmail, lockUser, setPassword } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import type { SignedIn } from './issue-tokens.js';
import { alwaysAdmitted, openSession } from './sessions.js';

export interface SignInRequest {
  /** Normalized. */
  email: string;
  password: string;
  origin: SessionOrigin;
  network: string;
  cause: Cause;
}

/**
 * Opens a session for a user who knows the password. If the password changes after it was verified, no session is
 * opened: the change has ended all sessions, and would miss this one.
 *
 * @throws AppError as `VerifyPassword`
 */
export function createSignIn({
  client,
  uow,
  passwords,
  verifyPassword,
  issueTokens,
  lifetimes,
  now,
}: OperationDependencies): (request: SignInRequest) => Promise<SignedIn> {
  async function signIn(request: SignInRequest): Promise<SignedIn> {
    const { email, password, origin, network, cause } = request;
    const found = await findByEmail(client, email);
    const passwordHash = found?.passwordHash;
    const { isHashOutdated } = await verifyPassword({ email, network, password, passwordHash });
    if (!found) throw userError('wrong-credentials');
    const newHash = isHashOutdated ? await passwords.hash(password) : undefined;
    const opened = await uow.run(
      async (tx) => {
        const user = await lockUser(tx, found.id);
        if (!user || user.passwordHash !== passwordHash) return undefined;
        if (newHash !== undefined) await setPassword(tx, user.id, newHash);
        return await openSession(tx, user, { origin, at: now(), lifetimes });
      },
      { ...alwaysAdmitted, cause },
    );
    if (opened) return issueTokens(opened);
    // Another sign-in may have replaced the outdated hash by a new hash of the same password. That hash isn't outdated.
    if (isHashOutdated) return await signIn(request);
    throw userError('wrong-credentials');
  }
  return signIn;
}
