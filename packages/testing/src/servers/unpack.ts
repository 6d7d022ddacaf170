import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { installed } from './programs.js';
import { brief, NotAvailable } from './started-server.js';

const run = promisify(execFile);
const cache = resolve(import.meta.dirname, '../../../../.cache/unpacked');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const timeoutMs = 5 * 60_000;

export interface DebianPackage {
  name: string;
  /** The code name of a Debian release. */
  suite: string;
  /** Packages that are unpacked into the same folder, for example libraries. */
  beside?: readonly string[];
}

/**
 * Downloads a package of another Debian release and unpacks it into the checkout's cache, for programs whose version
 * in this release is too old. apt checks the signature. Nothing is installed, and no system setting changes.
 *
 * Returns the folder that stands for `/`. Throws `NotAvailable` if the package cannot be downloaded.
 */
export async function unpack(
  { name, suite, beside = [] }: DebianPackage,
  say: (line: string) => void,
): Promise<string> {
  const folder = join(cache, `${suite}-${name}`);
  if (await exists(folder)) return folder;
  if (process.env.WARREN_TEST_INSTALL === '0')
    throw new NotAvailable(`WARREN_TEST_INSTALL=0 forbids downloading ${name}`);
  const mirror = await debianMirror();
  say(`downloading ${name} of Debian ${suite} …`);
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'work-'));
  try {
    const apt = await privateApt(work, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
    await apt('update');
    await apt('download', name, ...beside);
    const files = (await readdir(work)).filter((each) => each.endsWith('.deb'));
    if (files.length <= beside.length) throw new Error(`apt-get did not download all packages for ${name}`);
    for (const file of files) {
      await run('dpkg-deb', ['--extract', join(work, file), join(work, 'root')], { timeout: timeoutMs });
    }
    // Renamed when complete. If another run was faster, its folder is used.
    await rename(join(work, 'root'), folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
    return folder;
  } catch (error) {
    throw new NotAvailable(`${name} of Debian ${suite} could not be downloaded (${brief(error)})`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** apt-get with its own lists, cache and sources below `folder`. */
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
  return (...args: string[]) => run('apt-get', [...settings, ...args], { cwd: folder, timeout: timeoutMs });
}

/** The mirror from which this machine's Debian was installed. */
async function debianMirror(): Promise<string> {
  await installed('apt-get');
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']).catch(() => ({
    stdout: '',
  }));
  const mirror = stdout.split('\n').find((uri) => uri.endsWith('/debian/'));
  if (!mirror || !(await exists(keyring)))
    throw new NotAvailable('this is not a Debian with a package mirror');
  return mirror;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
