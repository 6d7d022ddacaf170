import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { installed } from './programs.js';
import { brief, NotHere } from './started.js';

const run = promisify(execFile);
const cache = resolve(import.meta.dirname, '../../../../.cache/unpacked');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const withinMs = 5 * 60_000;

export interface DebianPackage {
  name: string;
  /** A Debian release, by its code name. */
  suite: string;
  /** Packages that are unpacked beside it, for example its libraries. */
  beside?: readonly string[];
}

/**
 * Fetches a package of another Debian release than the one that runs here, and unpacks it into the checkout's cache:
 * for programs that need nothing but the C library, where this release's own are too old. apt checks its signature;
 * nothing is installed, and no setting of the system changes.
 *
 * Answers the folder that stands for `/`. Throws `NotHere` where that is not possible.
 */
export async function unpack(
  { name, suite, beside = [] }: DebianPackage,
  say: (line: string) => void,
): Promise<string> {
  const folder = join(cache, `${suite}-${name}`);
  if (await exists(folder)) return folder;
  if (process.env.WARREN_TEST_INSTALL === '0')
    throw new NotHere(`WARREN_TEST_INSTALL=0 forbids to fetch ${name}`);
  const mirror = await debianMirror();
  say(`fetching ${name} of Debian ${suite} …`);
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'work-'));
  try {
    const apt = await privateApt(work, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
    await apt('update');
    await apt('download', name, ...beside);
    const files = (await readdir(work)).filter((each) => each.endsWith('.deb'));
    if (files.length <= beside.length) throw new Error(`apt-get downloaded too little for ${name}`);
    for (const file of files) {
      await run('dpkg-deb', ['--extract', join(work, file), join(work, 'root')], { timeout: withinMs });
    }
    // It gets its name when it is whole. Where another run was faster, that one's is as good.
    await rename(join(work, 'root'), folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
    return folder;
  } catch (error) {
    throw new NotHere(`${name} of Debian ${suite} could not be fetched (${brief(error)})`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** apt-get with lists, cache and sources of its own below `folder`. */
async function privateApt(folder: string, sources: string) {
  await mkdir(join(folder, 'lists/partial'), { recursive: true });
  await mkdir(join(folder, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(folder, 'sources.list'), sources);
  const settings = [
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'APT::Sandbox::User=',
  ].flatMap((setting) => ['-o', setting]);
  return (...args: string[]) => run('apt-get', [...settings, ...args], { cwd: folder, timeout: withinMs });
}

/** The mirror that this machine has its own Debian from. */
async function debianMirror(): Promise<string> {
  await installed('apt-get');
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']).catch(() => ({
    stdout: '',
  }));
  const mirror = stdout.split('\n').find((uri) => uri.endsWith('/debian/'));
  if (!mirror || !(await exists(keyring))) throw new NotHere('this is no Debian with a package mirror');
  return mirror;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
