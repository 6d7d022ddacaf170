import { AppError } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import { User } from '@warren/user-contract';

const check = compileWriter(User.properties.email);

/**
 * The one spelling under which an address is kept and looked up: trimmed, in lower case.
 *
 * Throws `invalid-request` for what isn't an address.
 */
export function normalizeEmail(raw: string): string {
  const email = raw.trim().toLowerCase();
  const checked = check(email);
  if (checked.ok) return checked.value;
  throw refused(checked.errors.map(({ code }) => code));
}

/** Octets that mail servers take before the `@` (RFC 5321, section 4.5.3.1.1). */
const longestLocalPart = 64;

/**
 * `normalizeEmail` for an address that is to be kept: one that can be mailed. An account that has another one already
 * still signs in with it.
 *
 * Throws `invalid-request` for what isn't such an address.
 */
export function newEmail(raw: string): string {
  const email = normalizeEmail(raw);
  if (splitAddress(email).local.length > longestLocalPart) throw refused(['local-part']);
  return email;
}

/**
 * Domains whose mailboxes have any number of dots in the local part, and their other name.
 * @see https://support.google.com/mail/answer/7436150
 */
const dotless: Readonly<Record<string, string>> = {
  'gmail.com': 'gmail.com',
  'googlemail.com': 'gmail.com',
};

/**
 * The mailbox that a normalized address most likely leads to: without what follows a `+` (RFC 5233), and without dots
 * where the provider ignores them. For counting only: where a provider does otherwise, two mailboxes count as one.
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
