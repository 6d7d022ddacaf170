export const admin = 'admin';

export interface RoleHolder {
  email: string;
  /** Whether the password was set with a token that was mailed to the address. This also ended all earlier sessions. */
  passwordByMail: boolean;
  roles: readonly string[];
}

/**
 * A user's roles: the ones that an admin set, and `admin` if the address is on the list of admins and a token mailed to
 * it has set the password. A verified address is not enough: somebody else may have registered it, and its owner may
 * have followed the link in the mail.
 */
export function rolesOf(user: RoleHolder, adminEmails: ReadonlySet<string>): string[] {
  const isAdmin = user.passwordByMail && adminEmails.has(user.email);
  return [...new Set([...user.roles, ...(isAdmin ? [admin] : [])])];
}
