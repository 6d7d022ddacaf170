import { AppError } from '@warren/contracts';
import { backOffMs } from '@warren/timing';

/**
 * Limits an action that people may attempt only so often. Some attempts are free. After each further one, the next
 * attempt must wait, each time twice as long. All durations are milliseconds.
 */
export interface AttemptLimit {
  /** Attempts after which the next one need not wait. */
  free: number;
  /** The wait after the first attempt that is not free. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** How long after the first or the last counted attempt the count ends, together with any wait. */
  forgetAfterMs: number;
  forgetAfter: 'first' | 'last';
}

/** `rate-limited`, for an attempt that has to wait. */
export class RateLimited extends AppError {
  /** Seconds until the next attempt is counted, rounded up: the value of `Retry-After` (RFC 9110, section 10.2.3). */
  readonly retryAfter: number;

  constructor(waitMs: number) {
    super('rate-limited');
    this.retryAfter = Math.ceil(waitMs / 1_000);
  }
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Wrong passwords for one account from one network. */
export const guessesAtAccountFromNetwork: AttemptLimit = {
  free: 4,
  firstWaitMs: 5 * second,
  longestWaitMs: 15 * minute,
  forgetAfterMs: 24 * hour,
  forgetAfter: 'last',
};

/**
 * Wrong passwords for one account from all networks. An attacker with few addresses can't make the account's owner
 * wait, and an attacker with many addresses gains little. The count ends after an hour, however many guesses follow.
 * It doesn't apply in a network where the account is signed in.
 */
export const guessesAtAccount: AttemptLimit = {
  ...guessesAtAccountFromNetwork,
  free: 99,
  forgetAfterMs: hour,
  forgetAfter: 'first',
};

/**
 * Wrong passwords from one network, for any account, existing or not. It bounds the rows that one network can add to
 * the table of attempts. It doesn't apply to accounts that are signed in from that network.
 */
export const guessesFromNetwork: AttemptLimit = {
  free: 999,
  firstWaitMs: hour,
  longestWaitMs: hour,
  forgetAfterMs: hour,
  forgetAfter: 'first',
};

/**
 * Registrations of one network that are answered with `email-taken` within an hour: a sixth of the registrations that
 * it may try in a minute. So an attacker can check only few addresses of a list.
 */
export const takenEmailsToldToNetwork = (registrationsPerMinute: number): AttemptLimit => ({
  ...guessesFromNetwork,
  free: Math.max(1, Math.floor(registrationsPerMinute / 6)) - 1,
});

/**
 * Mails that one network causes within an hour, by requests or registrations, to any address. It also bounds the rows
 * that one network can add to the table of attempts.
 */
export const mailsFromNetwork = (perHour: number): AttemptLimit => ({
  ...guessesFromNetwork,
  free: perHour - 1,
});

/** Mails of one kind to one mailbox: enough to replace a lost mail, too few to flood the mailbox. */
export const mailsToMailbox: AttemptLimit = {
  free: 2,
  firstWaitMs: 5 * minute,
  longestWaitMs: hour,
  forgetAfterMs: 24 * hour,
  forgetAfter: 'last',
};

/** Milliseconds between the `count`th attempt and the next one. */
export function waitAfter(count: number, { free, firstWaitMs, longestWaitMs }: AttemptLimit): number {
  if (count <= free) return 0;
  return backOffMs(count - free, { firstMs: firstWaitMs, maxMs: longestWaitMs });
}

/** The waits after the attempts that are not free, in order. The last one also applies to all attempts that follow. */
export function waits(limit: AttemptLimit): number[] {
  const found: number[] = [];
  do found.push(waitAfter(limit.free + found.length + 1, limit));
  while (found.at(-1) !== limit.longestWaitMs);
  return found;
}
