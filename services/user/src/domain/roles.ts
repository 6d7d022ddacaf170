export const admin = 'admin';

export interface RoleHolder {
  email: string;
  /** Whether a token that was mailed to the address has set the account's password, and ended all sessions before. */
  passwordByMail: boolean;
  roles: readonly string[];
}

/**
 * What a person may do: the roles they were given, and `admin` for an address on the list of admins, once its mailbox
 * has set the account's password. That the address is verified isn't enough: somebody else may have registered it, and
 * its owner have followed the link in the mail.
 */
export function rolesOf(person: RoleHolder, adminEmails: ReadonlySet<string>): string[] {
  const isAdmin = person.passwordByMail && adminEmails.has(person.email);
  return [...new Set([...person.roles, ...(isAdmin ? [admin] : [])])];
}
