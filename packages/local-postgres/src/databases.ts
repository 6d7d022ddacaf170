import pg from 'pg';

/** Creates the databases that are missing on the server of `url`. Safe to call concurrently. */
export async function ensureDatabases(url: string, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    for (const name of names) await ensure(client, name);
  } finally {
    await client.end();
  }
}

async function ensure(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (rowCount) return;
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} TEMPLATE template0`);
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  }
}

/** Two concurrent creations fail with duplicate_database, or at the unique index of the catalogue. */
function isDuplicate(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '42P04' || error.code === '23505');
}
