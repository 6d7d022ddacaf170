import { changeSchema } from '@warren/unit-of-work';
import pg, { type ClientBase } from 'pg';
import type { Logger } from 'pino';

/** The role of a database's address. */
export function roleOf(url: string): string {
  const { user } = new pg.Client({ connectionString: url });
  if (!user) throw new Error('the address of the database names no role');
  return user;
}

/**
 * Grants a role what a service needs at work, and nothing with which it could change a table, a trigger or a function:
 * to read and write rows, and to call the functions of the kit's schema, `messaging`. Also for what later migrations make.
 *
 * Throws where the role could take these rights by itself.
 */
export async function grantWork(
  client: ClientBase,
  { role, messaging, log }: { role: string; messaging: string; log?: Logger },
): Promise<void> {
  await demandLess(client, role);
  const statements = grantsFor(pg.escapeIdentifier(role), pg.escapeIdentifier(messaging)).join(';\n');
  await changeSchema(client, { what: `granting ${role} its rights`, log }, () => client.query(statements));
}

const rows = 'SELECT, INSERT, UPDATE, DELETE';

function grantsFor(role: string, messaging: string): string[] {
  const schemas = `public, ${messaging}`;
  const later = 'ALTER DEFAULT PRIVILEGES IN SCHEMA';
  return [
    // Before PostgreSQL 15, and in databases that come from there, everybody may make tables in it.
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

async function demandLess(client: ClientBase, role: string): Promise<void> {
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
