/** How something that may be tried only so often slows down. All times are milliseconds. */
export interface SlowDown {
  /** Tries without a wait after them. */
  free: number;
  /** The wait after the first try beyond them; it doubles with each further one. */
  firstWait: number;
  longestWait: number;
  /** All tries, and their wait, are forgotten this long … */
  forgetAfter: number;
  /** … after the last one that was made; or after the first one, however many follow. */
  since: 'last' | 'first';
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Failures to prove a password, for one account from one address. */
export const guessesFromOneAddress: SlowDown = {
  free: 4,
  firstWait: 5 * second,
  longestWait: 15 * minute,
  forgetAfter: 24 * hour,
  since: 'last',
};

/**
 * Failures to prove a password, for one account from anywhere. So far above the other that nobody makes an account's
 * owner wait without many addresses, and so low that many addresses don't help a guesser much. It begins anew each
 * hour, so that no number of guesses keeps it up; and it keeps nobody waiting where the account is signed in.
 */
export const guessesFromAnywhere: SlowDown = {
  ...guessesFromOneAddress,
  free: 99,
  forgetAfter: hour,
  since: 'first',
};

/**
 * Failures to prove a password from one network, whatever the account, also one that doesn't exist: each account is
 * counted by itself, and this bounds how many of them one network makes up. Not for accounts that are signed in there.
 */
export const guessesFromOneNetwork: SlowDown = {
  free: 999,
  firstWait: hour,
  longestWait: hour,
  forgetAfter: hour,
  since: 'first',
};

/**
 * Registrations of one network that may be told within an hour that their address is taken: a
 * sixth of those that it may try a minute. So few of a list of addresses can be tried out this way.
 */
export const takenFromOneNetwork = (registrationsPerMinute: number): SlowDown => ({
  ...guessesFromOneNetwork,
  free: Math.max(1, Math.floor(registrationsPerMinute / 6)) - 1,
});

/**
 * Mails that one network may cause within an hour, by asking or by registering, whatever the address: it bounds the
 * counts as well.
 */
export const mailsFromOneNetwork = (perHour: number): SlowDown => ({
  ...guessesFromOneNetwork,
  free: perHour - 1,
});

/** Mails of one kind to one mailbox: enough for a mail that was lost, too few to flood it. */
export const mails: SlowDown = {
  free: 2,
  firstWait: 5 * minute,
  longestWait: hour,
  forgetAfter: 24 * hour,
  since: 'last',
};

/** How long whoever made the `count`th try has to wait with the next one. */
export function waitAfter(count: number, { free, firstWait, longestWait }: SlowDown): number {
  if (count <= free) return 0;
  return Math.min(firstWait * 2 ** Math.min(count - free - 1, 30), longestWait);
}

/** `waitAfter` for the first try that isn't free and those after it, up to the one from which on it stays the same. */
export function waits(slowDown: SlowDown): number[] {
  const found: number[] = [];
  do found.push(waitAfter(slowDown.free + found.length + 1, slowDown));
  while (found.at(-1) !== slowDown.longestWait);
  return found;
}
