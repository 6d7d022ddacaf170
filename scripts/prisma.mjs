// Runs Prisma without its native engine, which would have to be downloaded.
//
//   node scripts/prisma.mjs generate [folder…]      generate the clients of all folders with a schema, or of these
//   node scripts/prisma.mjs diff <service> <name>   write a migration for the changes in schema.prisma
//
// `generate` skips clients that are up to date and may run concurrently. `diff` needs a built service-kit and a
// PostgreSQL server on which it may create a temporary database: DATABASE_URL, or postgres on 127.0.0.1.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const require = createRequire(join(root, 'package.json'));
const cli = require.resolve('prisma/build/index.js');

const commands = { generate, diff };
const [name, ...args] = process.argv.slice(2);
const run = commands[name];
if (!run) {
  console.error('usage: prisma.mjs generate [folder…] | diff <service> <name>');
  process.exit(2);
}
await run(...args).catch((error) => {
  console.error(error.message);
  process.exit(1);
});

async function generate(...folders) {
  const chosen = folders.length > 0 ? folders : await foldersWithSchema();
  for (const folder of chosen) await generateClient(folder);
}

async function foldersWithSchema() {
  const folders = await Promise.all(
    ['packages', 'services'].map(async (group) =>
      (await readdir(join(root, group))).map((name) => `${group}/${name}`),
    ),
  );
  return folders.flat().filter((folder) => existsSync(schemaOf(folder)));
}

function schemaOf(folder) {
  return join(root, folder, 'prisma/schema.prisma');
}

/** Generates into a temporary folder and renames it, so that concurrent readers always see a complete client. */
async function generateClient(folder) {
  const schema = await readFile(schemaOf(folder), 'utf8').catch(() => {
    throw new Error(`${folder}/prisma/schema.prisma does not exist`);
  });
  const { version } = require('prisma/package.json');
  const stamp = createHash('sha256').update(`${version}\n${schema}`).digest('hex');
  const output = join(root, folder, 'src/generated/prisma');
  if ((await readStamp(output)) === stamp) return;

  const aside = join(root, folder, `node_modules/.cache/prisma-${process.pid}`);
  await mkdir(aside, { recursive: true });
  try {
    const asideSchema = join(aside, 'schema.prisma');
    await writeFile(asideSchema, schema.replace(/^(\s*output\s*=\s*).*$/m, `$1"./client"`));
    await runPrismaGenerate(asideSchema);
    await writeFile(join(aside, 'client', '.stamp'), stamp);
    await putInPlace(join(aside, 'client'), output, stamp);
    console.log(`${folder}: Prisma client generated`);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function readStamp(folder) {
  return await readFile(join(folder, '.stamp'), 'utf8').catch(() => undefined);
}

async function putInPlace(client, output, stamp) {
  const old = `${client}.old`;
  await mkdir(dirname(output), { recursive: true });
  await rename(output, old).catch(() => {});
  await rename(client, output).catch(async (error) => {
    // Another run was faster. Its client is the same if the schema is.
    if ((await readStamp(output)) !== stamp) throw error;
  });
}

/** `generate` never starts the schema engine, but downloads one unless this variable names an existing file. */
function runPrismaGenerate(schema) {
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: cli,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  };
  const child = spawn(process.execPath, [cli, 'generate', '--schema', schema], { cwd: root, env });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`prisma generate failed:\n${Buffer.concat(output)}`));
    });
  });
}

async function diff(service, migration) {
  if (!service || !/^[a-z0-9_]+$/.test(migration ?? '')) {
    throw new Error('usage: prisma.mjs diff <service> <name>, where the name consists of a-z, 0-9 and _');
  }
  const kit = join(root, 'packages/service-kit/dist/database/diff.js');
  if (!existsSync(kit)) throw new Error('packages/service-kit is not built yet');
  const { diffMigrations } = await import(pathToFileURL(kit));
  const folder = join(root, 'services', service, 'prisma/migrations');
  await mkdir(folder, { recursive: true });
  const lockfile = join(folder, 'migration_lock.toml');
  if (!existsSync(lockfile)) await writeFile(lockfile, 'provider = "postgresql"\n');
  const server = process.env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  const prisma = pathToFileURL(`${join(root, 'services', service, 'prisma')}/`);
  await writeMigration(folder, migration, await diffMigrations({ server, prisma }));
}

async function writeMigration(folder, migration, sql) {
  if (sql === '') {
    console.log('the migrations already match schema.prisma');
    return;
  }
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const target = join(folder, `${time}_${migration}`);
  await mkdir(target);
  await writeFile(join(target, 'migration.sql'), sql);
  console.log(`written: ${join(target, 'migration.sql')}`);
}
