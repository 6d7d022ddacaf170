import { AppError } from '@warren/contracts';

/**
 * The most common passwords of eight or more characters in lists of leaked passwords. Attempts are limited, so an
 * attacker can try only the most common ones (NIST SP 800-63B, section 5.1.1.2).
 */
const mostCommon = new Set([
  '00000000',
  '11111111',
  '12341234',
  '12345678',
  '123456789',
  '1234567890',
  '123123123',
  '1q2w3e4r',
  '1q2w3e4r5t',
  '1qaz2wsx',
  '66666666',
  '87654321',
  '88888888',
  '987654321',
  'a1b2c3d4',
  'aa123456',
  'abc12345',
  'abcd1234',
  'abcdefgh',
  'asdfasdf',
  'asdfghjkl',
  'baseball',
  'changeme',
  'computer',
  'football',
  'iloveyou',
  'letmein1',
  'p@ssw0rd',
  'passw0rd',
  'password',
  'password1',
  'password12',
  'password123',
  'password1234',
  'princess',
  'q1w2e3r4',
  'qwer1234',
  'qwerty12',
  'qwerty123',
  'qwertyuiop',
  'starwars',
  'sunshine',
  'superman',
  'trustno1',
  'welcome1',
  'zaq12wsx',
]);

/** Characters of a new password after normalization. */
const shortest = 8;
const longest = 200;

/**
 * The form in which a password is hashed. Keyboards send the same character in different forms, composed or decomposed
 * (NIST SP 800-63B, section 5.1.1.2: NFKC or NFKD).
 */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC');
}

/**
 * Refuses a new password that is too short, too long or easy to guess.
 *
 * @param pointer the JSON pointer of the password in the request
 * @param detail what the client can do after the refusal
 * @throws AppError `invalid-request` with the code `minLength`, `maxLength`, `text`, `is-email` or `too-common`
 */
export function checkNewPassword(password: string, email: string, pointer: string, detail?: string): void {
  const code = faultOf(normalizePassword(password), email);
  if (code) throw new AppError('invalid-request', { errors: [{ pointer, code }], ...(detail && { detail }) });
}

function faultOf(password: string, email: string): string | undefined {
  const { length } = [...password];
  if (length < shortest) return 'minLength';
  if (length > longest) return 'maxLength';
  // All lone surrogates are encoded as the same replacement character, so such passwords would be equal.
  if (/\p{Cs}/u.test(password)) return 'text';
  const plain = password.trim().toLowerCase();
  if (plain === email || plain === email.slice(0, email.lastIndexOf('@'))) return 'is-email';
  const isOneCharacter = new Set(plain).size < 2;
  return isOneCharacter || mostCommon.has(plain) ? 'too-common' : undefined;
}
