/**
 * Which refusals of a mail server are final. Most that begin with 5 are about us, our mail or the day: a quota that is
 * used up, a policy, a block list, a size. They pass with time or are ours to mend, and the mail is worth another try.
 * Final is only what a server says about this very recipient.
 */

/**
 * Enhanced status codes (RFC 3463, RFC 7505 and the IANA registry of RFC 5248) of class 5 that are about the recipient's
 * address: no such mailbox (5.1.1), no such domain (5.1.2), no address (5.1.3), not only one (5.1.4), moved (5.1.6), a
 * domain that takes no mail (5.1.10), a mailbox that is disabled (5.2.1). Others of 5.1 are about the sender's address.
 */
const aboutRecipient: ReadonlySet<string> = new Set([
  '5.1.1',
  '5.1.2',
  '5.1.3',
  '5.1.4',
  '5.1.6',
  '5.1.10',
  '5.2.1',
]);

/** Replies to `RCPT TO` that say no more than a number: no such mailbox, not local, no such name (RFC 5321, 4.2.3). */
const barelyAboutRecipient: ReadonlySet<number> = new Set([550, 551, 553]);

/** What nodemailer tells of a failure, as far as a server had a say in it. */
export interface SmtpFailure {
  /** The command that was refused. */
  command?: unknown;
  /** The reply code: 550. */
  responseCode?: unknown;
  /** The reply as it came, its lines separated by newlines. */
  response?: unknown;
}

/** The enhanced status code of a reply, `5.1.1`; `undefined` where it has none of its own class. */
export function enhancedStatus({ responseCode, response }: SmtpFailure): string | undefined {
  if (typeof response !== 'string') return undefined;
  const [, reply, status] = /^(\d{3})[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response) ?? [];
  return Number(reply) === responseCode && status?.[0] === reply?.[0] ? status : undefined;
}

/** Whether no try can ever bring a mail to this recipient, by what the server says. */
export function isFinal(failure: SmtpFailure): boolean {
  const { command, responseCode } = failure;
  if (typeof responseCode !== 'number' || responseCode < 500 || responseCode > 599) return false;
  // A mail goes to one recipient, so a reply to its text may be about them as well.
  if (command !== 'RCPT TO' && command !== 'DATA') return false;
  const status = enhancedStatus(failure);
  if (status !== undefined) return aboutRecipient.has(status);
  return command === 'RCPT TO' && barelyAboutRecipient.has(responseCode);
}
