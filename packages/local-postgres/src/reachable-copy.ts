import { cp, lstat, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Binaries } from './binaries.js';

/**
 * A copy of PostgreSQL's programs (60 MB) that every user can read, for a checkout that others can't enter. Made
 * once a version and machine, and kept in the temporary directory. Returns its `bin` folder.
 */
export async function reachableCopy({ bin, major }: Binaries): Promise<string> {
  const home = join(tmpdir(), `warren-postgres-${major}-${process.arch}`);
  if (!(await isOurs(home))) await copyTo(home, dirname(bin));
  if (!(await isOurs(home))) throw new Error(`${home} exists, but isn't ours alone: remove it`);
  return join(home, 'bin');
}

async function copyTo(home: string, source: string): Promise<void> {
  const draft = await mkdtemp(`${home}-`);
  try {
    await cp(source, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    // Renamed when whole: another process either finds all of it or nothing.
    await rename(join(draft, 'native'), home).catch(ignoreExisting);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** A temporary directory is everyone's: programs that somebody else could have put there are never run. */
async function isOurs(home: string): Promise<boolean> {
  const found = await lstat(home).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'ENOTDIR') throw error;
}
