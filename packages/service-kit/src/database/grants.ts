import { changeSchema } from '@warren/unit-of-work';
import pg, { type ClientBase } from 'pg';
import type { Logger } from 'pino';

/** The role that the address of a database names. */
export function roleOf(url: string): string {
  const { user } = new pg.Client({ connectionString: url });
  if (!user) throw new Error('the address of the database names no role');
  return user;
}

/**
 * Lets a role read and write rows, and call the functions in the kit's schema `messaging`, but not change a table, a
 * trigger or a function. The grants also cover what later migrations create.
 *
 * Throws if the role has more rights by itself: as a superuser, as the owner of the database, or as a member of its role.
 */
export async function grantRowAccess(
  client: ClientBase,
  { role, messaging, log }: { role: string; messaging: string; log?: Logger },
): Promise<void> {
  await requireFewerRights(client, role);
  const statements = grantsFor(pg.escapeIdentifier(role), pg.escapeIdentifier(messaging)).join(';\n');
  await changeSchema(client, { what: `granting ${role} its rights`, log }, () => client.query(statements));
}

const rows = 'SELECT, INSERT, UPDATE, DELETE';

function grantsFor(role: string, messaging: string): string[] {
  const schemas = `public, ${messaging}`;
  const later = 'ALTER DEFAULT PRIVILEGES IN SCHEMA';
  return [
    // Until PostgreSQL 15, and in databases upgraded from there, every role may create tables in it.
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    `GRANT USAGE ON SCHEMA ${schemas} TO ${role}`,
    `GRANT ${rows} ON ALL TABLES IN SCHEMA ${schemas} TO ${role}`,
    `REVOKE INSERT, UPDATE, DELETE ON _prisma_migrations, ${messaging}.migration FROM ${role}`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schemas} TO ${role}`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${messaging} TO ${role}`,
    `${later} ${schemas} GRANT ${rows} ON TABLES TO ${role}`,
    `${later} ${schemas} GRANT USAGE, SELECT ON SEQUENCES TO ${role}`,
    `${later} ${messaging} GRANT EXECUTE ON FUNCTIONS TO ${role}`,
  ];
}

async function requireFewerRights(client: ClientBase, role: string): Promise<void> {
  const { rows: found } = await client.query<{ all: boolean; member: boolean; owner: boolean; me: string }>(
    `SELECT rolsuper AS all, pg_has_role(rolname, current_user, 'MEMBER') AS member, current_user AS me,
       pg_has_role(rolname, datdba, 'MEMBER') AS owner
     FROM pg_roles, pg_database WHERE rolname = $1 AND datname = current_database()`,
    [role],
  );
  const [rights] = found;
  if (!rights) throw new Error(`the role ${role} of DATABASE_URL doesn't exist`);
  const could = rights.all
    ? 'is a superuser'
    : rights.member
      ? `is a member of ${rights.me}`
      : 'owns the database';
  if (rights.all || rights.member || rights.owner) {
    throw new Error(
      `the role ${role} of DATABASE_URL ${could}, so MIGRATE_DATABASE_URL keeps nothing from it: give it rights of its own`,
    );
  }
}
