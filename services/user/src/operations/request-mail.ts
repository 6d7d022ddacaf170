import type { Cause } from '@warren/unit-of-work';
import { RateLimited } from '../domain/attempts.js';
import type { MailedTokenKind } from '../domain/mailed-tokens.js';
import { countAttempt } from '../store/attempts.js';
import { findByEmail, lockUser } from '../store/users.js';
import type { OperationDependencies } from './dependencies.js';
import { mailToken } from './mail-token.js';

export interface MailRequest {
  kind: MailedTokenKind;
  /** Normalized. There may be no account with this address. */
  email: string;
  /** The network from which the mail is requested. */
  network: string;
  cause: Cause;
}

/**
 * Mails a token to the user with this address, unless the mailbox got too many mails. The result doesn't show whether
 * there is such a user, and the work is the same without one, except for the mail itself. A request that fails is not
 * counted.
 *
 * @throws RateLimited if the network requested too many mails, for any address
 */
export function createRequestMail({
  client,
  uow,
  attemptKeys,
  limits,
  now,
}: OperationDependencies): (request: MailRequest) => Promise<void> {
  return async ({ kind, email, network, cause }) => {
    const found = await findByEmail(client, email);
    await uow.run(
      async (tx) => {
        const user = found && (await lockUser(tx, found.id));
        const ofNetwork = await countAttempt(tx, attemptKeys.mailsFromNetwork(network), limits.mails, now());
        if (!ofNetwork.ok) throw new RateLimited(ofNetwork.waitMs);
        const key = attemptKeys.mailsToMailbox(kind.event, email, user?.emailVerified ?? false);
        const ofMailbox = await countAttempt(tx, key, kind.limit, now());
        if (user && ofMailbox.ok && kind.isNeeded(user)) await mailToken(tx, kind, user, now());
      },
      { cause },
    );
  };
}
