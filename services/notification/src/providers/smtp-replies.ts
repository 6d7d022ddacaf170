/**
 * Decides which refusals of a mail server are final. Most that begin with 5 concern the sender or the mail: a quota, a
 * policy, a block list, a size. They pass, or the operator can do something about them, so the mail is tried again.
 * Only a refusal that concerns the recipient is final.
 */

/**
 * Enhanced status codes (RFC 3463, RFC 7505 and the IANA registry of RFC 5248) of class 5 that concern the recipient's
 * address: no such mailbox (5.1.1), no such domain (5.1.2), not an address (5.1.3), ambiguous (5.1.4), moved (5.1.6),
 * the domain takes no mail (5.1.10), the mailbox is disabled (5.2.1). Other codes of 5.1 concern the sender's address.
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

/**
 * Reply codes to `RCPT TO` that concern the recipient if there is no enhanced status code: no such mailbox, not local,
 * no such name (RFC 5321, 4.2.3).
 */
const aboutRecipientWithoutStatus: ReadonlySet<number> = new Set([550, 551, 553]);

/** What nodemailer says about a server's refusal. */
export interface SmtpFailure {
  /** The command that was refused. */
  command?: unknown;
  /** The reply code, for example 550. */
  responseCode?: unknown;
  /** The whole reply; newlines separate its lines. */
  response?: unknown;
}

/** The enhanced status code of a reply, such as `5.1.1`; `undefined` if it has none, or one of another class. */
export function enhancedStatus({ responseCode, response }: SmtpFailure): string | undefined {
  if (typeof response !== 'string') return undefined;
  const [, reply, status] = /^(\d{3})[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response) ?? [];
  return Number(reply) === responseCode && status?.[0] === reply?.[0] ? status : undefined;
}

/** Whether the refusal means that no mail can ever reach this recipient. */
export function isFinal(failure: SmtpFailure): boolean {
  const { command, responseCode } = failure;
  if (typeof responseCode !== 'number' || responseCode < 500 || responseCode > 599) return false;
  // A mail has one recipient, so the reply to DATA may concern them too.
  if (command !== 'RCPT TO' && command !== 'DATA') return false;
  const status = enhancedStatus(failure);
  if (status !== undefined) return aboutRecipient.has(status);
  return command === 'RCPT TO' && aboutRecipientWithoutStatus.has(responseCode);
}
