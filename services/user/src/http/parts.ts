import type { Clock, Context } from '../context.js';
import type { SlowDown } from '../domain/attempts.js';
import type { EndSessions } from '../operations/end-sessions.js';
import type { ProvePassword } from '../operations/prove-password.js';
import type { AccessTokens } from '../security/access-tokens.js';
import type { Passwords } from '../security/passwords.js';
import type { TryKeys } from '../security/try-keys.js';
import type { TimedAnswers } from './timed-answers.js';

/** What the routes are made of. */
export interface Parts extends Pick<Context, 'client' | 'uow'> {
  passwords: Passwords;
  tokens: AccessTokens;
  tryKeys: TryKeys;
  provePassword: ProvePassword;
  endSessions: EndSessions;
  /** Normalized. */
  adminEmails: ReadonlySet<string>;
  timedAnswers: TimedAnswers;
  signInsPerMinute: number;
  registrationsPerMinute: number;
  takenFromOneNetwork: SlowDown;
  mailsFromOneNetwork: SlowDown;
  /** When a session that is opened or refreshed at this time will end. */
  sessionEnd(now: Date): Date;
  /** By when an access token that is given at this time will have ended. */
  tokensEnd(at: Date): Date;
  now: Clock;
}
