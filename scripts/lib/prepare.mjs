// Prepares a checkout: dependencies, generated clients, compiled code. Safe to run concurrently.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { run } from './run.mjs';
import { bin, Failure, manifest, root, say } from './workspace.mjs';

const stampFile = join(root, '.cache/installed');

/**
 * Installs the dependencies. With `generated` it also generates the Prisma clients. It compiles the folders in `projects`
 * and the packages that they need; `.` compiles everything. Only with `newPackages` may it change the lock file.
 */
export async function prepare({ generated = true, projects = [], newPackages = false } = {}) {
  const onWait = (pid) => say(`waiting for process ${pid}, which is preparing this checkout …`);
  await withLock(
    join(root, '.cache/prepare.lock'),
    async () => {
      await install(newPackages);
      if (generated) await generate();
      if (projects.length > 0 && (await build(...projects)) !== 0)
        throw new Failure('the code does not compile, see above');
    },
    { onWait },
  );
}

/** Compiles folders and the packages that they need, by default everything. Returns the compiler's exit code. */
export async function build(...projects) {
  const first = !existsSync(join(root, 'packages/contracts/dist/index.js'));
  if (first) say('compiling (the first time) …');
  return run(bin('tsc'), ['-b', ...(projects.length > 0 ? projects : ['.'])], { cwd: root, quiet: true });
}

async function generate() {
  const code = await run(process.execPath, [join(root, 'scripts/prisma.mjs'), 'generate'], { cwd: root });
  if (code !== 0) throw new Failure('the Prisma clients could not be generated, see above');
}

async function install(newPackages) {
  const stamp = await dependencyStamp();
  const installed = await readFile(stampFile, 'utf8').catch(() => undefined);
  if (installed === stamp && existsSync(join(root, 'node_modules/.modules.yaml'))) return;

  const [, version] = manifest.packageManager.split('@');
  say(`installing dependencies with pnpm ${version} (about a minute the first time) …`);
  const flags = [
    newPackages ? '--no-frozen-lockfile' : '--frozen-lockfile',
    '--reporter=append-only',
    '--config.confirmModulesPurge=false',
  ];
  const code = await run('npx', ['--yes', `pnpm@${version}`, 'install', ...flags], { cwd: root });
  if (code !== 0) throw new Failure(`pnpm install failed with exit code ${code}, see above`);
  await mkdir(join(root, '.cache'), { recursive: true });
  await writeFile(stampFile, await dependencyStamp());
}

/** A hash of everything that determines the dependencies: the lockfile, the manifests, Node and the platform. */
async function dependencyStamp() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.version}\n`);
  const files = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml'];
  for (const folder of ['packages', 'services']) {
    for (const name of (await readdir(join(root, folder))).sort())
      files.push(`${folder}/${name}/package.json`, `${folder}/${name}/contract/package.json`);
  }
  for (const file of files) {
    const content = await readFile(join(root, file), 'utf8').catch(() => '');
    hash.update(`${file}\n${content}\n`);
  }
  return hash.digest('hex');
}
