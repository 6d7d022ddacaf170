import type { Clock, UserContext } from '../context.js';
import type { AttemptKeys } from '../domain/attempt-keys.js';
import type { AttemptLimit } from '../domain/attempts.js';
import type { Lifetimes } from '../domain/sessions.js';
import type { Passwords } from '../providers/passwords.js';
import type { IssueTokens } from './issue-tokens.js';
import type { VerifyPassword } from './verify-password.js';

/** What the operations behind routes need. */
export type OperationDependencies = Pick<UserContext, 'client' | 'uow'> & {
  passwords: Passwords;
  verifyPassword: VerifyPassword;
  issueTokens: IssueTokens;
  attemptKeys: AttemptKeys;
  limits: {
    /** `takenEmailsToldToNetwork` of this deployment. */
    takenEmails: AttemptLimit;
    /** `mailsFromNetwork` of this deployment. */
    mails: AttemptLimit;
  };
  lifetimes: Lifetimes;
  now: Clock;
};
