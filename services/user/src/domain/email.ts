import { AppError } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import { User } from '@warren/user-contract';

const check = compileWriter(User.properties.email);

/**
 * The spelling under which an address is stored and looked up: trimmed, in lower case.
 *
 * @throws AppError `invalid-request` if the text is no email address
 */
export function normalizeEmail(raw: string): string {
  const email = raw.trim().toLowerCase();
  const checked = check(email);
  if (checked.ok) return checked.value;
  throw refused(checked.errors.map(({ code }) => code));
}

/** The most octets that a mail server must accept before the `@` (RFC 5321, section 4.5.3.1.1). */
const longestLocalPart = 64;

/**
 * `normalizeEmail` for the address of a new account, to which the service must be able to send mail. Existing accounts
 * with other addresses can still sign in.
 *
 * @throws AppError `invalid-request` if the text is no such address
 */
export function newEmail(raw: string): string {
  const email = normalizeEmail(raw);
  if (splitAddress(email).local.length > longestLocalPart) throw refused(['local-part']);
  return email;
}

/**
 * Domains that ignore dots in the local part, with the main name of the domain.
 * @see https://support.google.com/mail/answer/7436150
 */
const dotless: Readonly<Record<string, string>> = {
  'gmail.com': 'gmail.com',
  'googlemail.com': 'gmail.com',
};

/**
 * The mailbox that a normalized address most likely leads to: the address without its tag after `+` (RFC 5233), and
 * without dots if the provider ignores them. Use it only for counting. With other providers, two mailboxes may count as
 * one.
 */
export function mailboxOf(email: string): string {
  const { local, domain } = splitAddress(email);
  const untagged = local.replace(/(?<=.)\+.*$/s, '');
  const named = dotless[domain];
  return named ? `${untagged.replaceAll('.', '')}@${named}` : `${untagged}@${domain}`;
}

function splitAddress(email: string): { local: string; domain: string } {
  const at = email.lastIndexOf('@');
  return { local: email.slice(0, at), domain: email.slice(at + 1) };
}

function refused(codes: readonly string[]): AppError {
  return new AppError('invalid-request', { errors: codes.map((code) => ({ pointer: '/email', code })) });
}
