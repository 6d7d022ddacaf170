import addressparser from 'nodemailer/lib/addressparser';
import { Undeliverable } from './failures.js';
import type { OutgoingMail } from './mailer.js';

export interface Sender {
  name: string;
  address: string;
}

/** Parses MAIL_FROM. @throws TypeError if it is not exactly one address */
export function senderOf(from: string): Sender {
  const [sender, ...others] = addressparser(from, { flatten: true });
  if (!sender?.address || others.length > 0) throw new TypeError('MAIL_FROM is not one address');
  return { name: sender.name ?? '', address: sender.address };
}

/** One mailbox, without characters that could begin another header or SMTP command. */
const mailbox = /^[^\s<>,;:"@]{1,64}@[^\s<>,;:"@]{1,255}$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it finds control characters
const control = /[\u0000-\u001f\u007f]/;

/**
 * The mail in nodemailer's form. Name and address are separate, so that nodemailer parses neither. It must not read a
 * file or a URL that a text names.
 *
 * @throws Undeliverable if the address is no mailbox, or the subject has control characters
 */
export function envelope({ id, to, subject, text, html, date }: OutgoingMail, from: Sender) {
  if (!mailbox.test(to) || control.test(to)) throw new Undeliverable('bad-address');
  if (control.test(subject)) throw new Undeliverable('bad-subject');
  return {
    from,
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    html,
    date,
    messageId: `<${id}@${from.address.split('@').at(-1)}>`,
    // Automatic replies, such as out-of-office notes, leave out mails with this header (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
