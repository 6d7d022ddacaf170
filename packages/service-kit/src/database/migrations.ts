import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

export interface Migration {
  /** `20260101000000_init` */
  name: string;
  sql: string;
  /** Of the file, in hexadecimal digits. */
  sha256: string;
}

/** A folder of migrations as Prisma makes it, sorted by name. */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(new URL(`${name}/migration.sql`, folder), 'utf8');
      return { name, sql, sha256: hash('sha256', sql) };
    }),
  );
}
