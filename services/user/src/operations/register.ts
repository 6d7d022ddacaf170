import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import type { UserTx } from '../context.js';
import { RateLimited } from '../domain/attempts.js';
import { newEmail } from '../domain/email.js';
import { emailVerification } from '../domain/mailed-tokens.js';
import { checkNewPassword } from '../domain/password.js';
import { checkProfile, type ProfileChange } from '../domain/profile.js';
import type { SessionOrigin } from '../domain/sessions.js';
import { countAttempt, waitOf } from '../store/attempts.js';
import { insertUser, type NewUser, toUser } from '../store/users.js';
import { announceRegistration } from './announce-user.js';
import type { OperationDependencies } from './dependencies.js';
import type { SignedIn } from './issue-tokens.js';
import { mailToken } from './mail-token.js';
import { type ActiveSession, openSession } from './sessions.js';

export interface RegisterRequest {
  email: string;
  password: string;
  profile: Required<ProfileChange>;
  origin: SessionOrigin;
  network: string;
  cause: Cause;
}

/**
 * Registers a user, opens their first session, and sends a mail that verifies the address. The mail counts together
 * with requested mails. If too many were sent, the user is registered without a mail. So nobody floods a mailbox by
 * registering its addresses, and no network causes mails to strangers without limit.
 *
 * @throws AppError `invalid-request`, `email-taken`; `RateLimited`, for any address, if the network was told
 * `email-taken` too often
 */
export function createRegister({
  client,
  uow,
  passwords,
  issueTokens,
  attemptKeys,
  limits,
  lifetimes,
  now,
}: OperationDependencies): (request: RegisterRequest) => Promise<SignedIn> {
  return async ({ password, origin, network, cause, ...request }) => {
    const email = newEmail(request.email);
    const profile = { ...request.profile, ...checkProfile(request.profile) };
    checkNewPassword(password, email, '/password');
    const takenKey = attemptKeys.takenEmailsToldToNetwork(network);
    const waitMs = await waitOf(client, takenKey, now());
    if (waitMs > 0) throw new RateLimited(waitMs);
    const fields = { email, ...profile, passwordHash: await passwords.hash(password) };
    try {
      const active = await uow.run((tx) => insert(tx, fields, { origin, network }), { cause });
      return await issueTokens(active);
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'email-taken')) throw error;
      const told = await countAttempt(client, takenKey, limits.takenEmails, now());
      throw told.ok ? error : new RateLimited(told.waitMs);
    }
  };

  async function insert(
    tx: UserTx,
    fields: NewUser,
    { origin, network }: { origin: SessionOrigin; network: string },
  ): Promise<ActiveSession> {
    const user = await insertUser(tx, fields);
    announceRegistration(tx, toUser(user));
    const at = now();
    const active = await openSession(tx, user, { origin, at, lifetimes });
    const kind = emailVerification;
    const ofNetwork = await countAttempt(tx, attemptKeys.mailsFromNetwork(network), limits.mails, at);
    const key = attemptKeys.mailsToMailbox(kind.event, user.email, false);
    const isMailed = ofNetwork.ok && (await countAttempt(tx, key, kind.limit, at)).ok;
    if (isMailed) await mailToken(tx, kind, user, at);
    return active;
  }
}
