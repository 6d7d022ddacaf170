export const admin = 'admin';

export interface RoleHolder {
  email: string;
  emailVerified: boolean;
  roles: readonly string[];
}

/** What a person may do: the roles they were given, and `admin` for a verified address on the list of admins. */
export function rolesOf(person: RoleHolder, adminEmails: ReadonlySet<string>): string[] {
  const isAdmin = person.emailVerified && adminEmails.has(person.email);
  return [...new Set([...person.roles, ...(isAdmin ? [admin] : [])])];
}
