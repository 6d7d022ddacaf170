import addressparser from 'nodemailer/lib/addressparser';
import { Undeliverable } from './failures.js';
import type { OutgoingMail } from './mailer.js';

export interface Sender {
  name: string;
  address: string;
}

/** @throws TypeError if it isn't exactly one address */
export function senderOf(from: string): Sender {
  const [sender, ...others] = addressparser(from, { flatten: true });
  if (!sender?.address || others.length > 0) throw new TypeError('MAIL_FROM is not one address');
  return { name: sender.name ?? '', address: sender.address };
}

/** One mailbox and nothing that a header or an SMTP command could be made of. */
const mailbox = /^[^\s<>,;:"@]{1,64}@[^\s<>,;:"@]{1,255}$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
const control = /[\u0000-\u001f\u007f]/;

/**
 * The mail as nodemailer takes it. Addresses are given apart, so that nothing in them is parsed; text never names a
 * file or an address to read from.
 *
 * @throws Undeliverable for an address that isn't one
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
    // So that nobody's out-of-office answers (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
