import { AppError, User } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';

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
  const errors = checked.errors.map(({ code }) => ({ pointer: '/email', code }));
  throw new AppError('invalid-request', { errors });
}
