import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { onServer } from './on-server.js';

/** What a test's database holds from the beginning. */
export interface DatabaseTemplate {
  /** Its own among all templates: lower case letters. */
  name: string;
  /** Fills the empty database at `url`, and ends its connections. */
  fill(url: string): Promise<void>;
}

const prefix = 'warren_template_';
/** Set by `npm test`, which drops the templates after the run. */
const variable = 'WARREN_TEST_TEMPLATES';
const made = new Map<string, Promise<string>>();

/** Names this run's templates. Returns the variables for its tests, and a function that drops the templates. */
export function templatesOfRun(): { env: Record<string, string>; drop(server: URL): Promise<void> } {
  const run = `${prefix}${randomBytes(4).toString('hex')}_`;
  return {
    env: { [variable]: run },
    drop: (server) =>
      onServer(server, async (client) => {
        const { rows } = await client.query<{ datname: string }>(
          'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
          [run],
        );
        for (const { datname } of rows) await client.query(`DROP DATABASE ${datname} WITH (FORCE)`);
      }),
  };
}

/** The name of the database to copy, which the first test of the run that needs it fills; undefined outside of a run. */
export async function templateOf(server: URL, { name, fill }: DatabaseTemplate): Promise<string | undefined> {
  const run = process.env[variable];
  if (!run) return undefined;
  const template = run + name;
  let making = made.get(template);
  if (!making) {
    making = make(server, template, fill);
    made.set(template, making);
    making.catch(() => made.delete(template));
  }
  return making;
}

/** Other processes may make the same one: it gets its name when it is complete, and the first one stays. */
async function make(server: URL, template: string, fill: DatabaseTemplate['fill']): Promise<string> {
  return onServer(server, async (client) => {
    const exists = async () =>
      (await client.query('SELECT FROM pg_database WHERE datname = $1', [template])).rowCount === 1;
    if (await exists()) return template;
    const draft = `${template}_${process.pid}`;
    await client.query(`CREATE DATABASE ${draft} TEMPLATE template0`);
    await fill(Object.assign(new URL(server), { pathname: `/${draft}` }).href);
    try {
      await client.query(`ALTER DATABASE ${draft} RENAME TO ${template}`);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || !(await exists())) throw error;
      await client.query(`DROP DATABASE ${draft} WITH (FORCE)`);
    }
    return template;
  });
}
