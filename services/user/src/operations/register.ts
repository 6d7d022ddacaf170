import { AppError } from '@warren/contracts';
import type { Cause } from '@warren/unit-of-work';
import type { Clock, UserTx, UserUow } from '../context.js';
import type { SlowDown } from '../domain/attempts.js';
import type { SessionClient } from '../domain/sessions.js';
import type { Passwords } from '../security/passwords.js';
import type { TryKeys } from '../security/try-keys.js';
import { countTry, waitOf } from '../store/attempts.js';
import type { PrismaClient } from '../store/database.js';
import { insertSession } from '../store/sessions.js';
import { insertUser, type NewUser } from '../store/users.js';
import type { LiveSession } from './live-session.js';
import { emailVerification, mailToken } from './mail-tokens.js';
import { TooEarly } from './too-early.js';

export interface RegisterParts {
  client: PrismaClient;
  uow: UserUow;
  passwords: Passwords;
  tryKeys: TryKeys;
  /** How answers slow down that tell one network of a taken address. */
  takenFromOneNetwork: SlowDown;
  /** How mails that one network causes slow down. */
  mailsFromOneNetwork: SlowDown;
  sessionEnd(now: Date): Date;
  tokensEnd(at: Date): Date;
  now: Clock;
}

export interface Registration {
  person: Omit<NewUser, 'passwordHash'>;
  password: string;
  client: SessionClient;
  /** From which somebody registers. */
  network: string;
  cause: Cause;
}

/**
 * A person, their first session, and the mail that has their address proven. The mail counts with those that are asked
 * for, and isn't sent where there were too many: who registers an address, or others of its mailbox, again and again
 * floods no mailbox with it, and no network has mails sent to strangers without end.
 *
 * Throws `email-taken`, or `TooEarly` (`rate-limited`) for whatever address where a network was told so too often.
 */
export async function register(parts: RegisterParts, registration: Registration): Promise<LiveSession> {
  const { client, uow, passwords, tryKeys, takenFromOneNetwork, now } = parts;
  const { person, password, network, cause } = registration;
  const takenKey = tryKeys.takenFrom(network);
  const waitMs = await waitOf(client, takenKey, now());
  if (waitMs > 0) throw new TooEarly(waitMs);
  const passwordHash = await passwords.hash(password);
  try {
    return await uow.run((tx) => insert(tx, parts, registration, { ...person, passwordHash }), { cause });
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'email-taken')) throw error;
    const told = await countTry(client, takenKey, takenFromOneNetwork, now());
    throw told.ok ? error : new TooEarly(told.waitMs);
  }
}

async function insert(
  tx: UserTx,
  { tryKeys, mailsFromOneNetwork, sessionEnd, tokensEnd, now }: RegisterParts,
  { client, network }: Registration,
  person: NewUser,
): Promise<LiveSession> {
  const user = await insertUser(tx, person);
  const at = now();
  const session = await insertSession(tx, {
    userId: user.id,
    client,
    now: at,
    expiresAt: sessionEnd(at),
    tokensEndAt: tokensEnd(at),
  });
  const mailing = emailVerification;
  const ofNetwork = await countTry(tx, tryKeys.allMailsFrom(network), mailsFromOneNetwork, at);
  const key = tryKeys.mails(mailing.event, user.email, false);
  const isMailed = ofNetwork.ok && (await countTry(tx, key, mailing.slowDown, at)).ok;
  if (isMailed) await mailToken(tx, mailing, user, at);
  return { user, session, generation: session.generation, at };
}
