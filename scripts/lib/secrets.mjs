// Passwords for docker compose: one folder with a file for each, made from those that are for development only.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { Failure, root, say } from './workspace.mjs';

/** What `docker-compose.yml` mounts as long as nothing else is set. */
export const developmentOnly = {
  folder: join(root, 'compose/development-only'),
  definitions: join(root, 'k8s/overlays/quickstart/rabbitmq/definitions.json'),
};

const placeholder = 'development-only';

/** Changes whenever one of the mounted files does: a label that makes `docker compose up` replace the containers. */
export async function digestOf({ folder, definitions }) {
  const hash = createHash('sha256');
  for (const file of [...(await filesIn(folder)).filter((file) => file !== definitions), definitions]) {
    hash
      .update(`${basename(file)}\n`)
      .update(await readFile(file))
      .update('\n');
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * Writes a folder like the one for development, with random passwords and the broker's definitions in it, and prints
 * the lines for `.env`. Fails where the folder exists: what its passwords opened would be locked.
 */
export async function makeSecrets(folder) {
  const target = resolve(folder);
  if (existsSync(target)) {
    throw new Failure(
      `${folder} exists. Its passwords are those of the volumes; remove or rename it for new ones`,
    );
  }
  // The folder keeps others out. The files are mounted one by one and read by the containers' users.
  await mkdir(target, { recursive: true, mode: 0o700 });
  const passwords = new Map();
  const passwordOf = (whose) => {
    if (!passwords.has(whose)) passwords.set(whose, randomBytes(24).toString('base64url'));
    return passwords.get(whose);
  };
  for (const file of await filesIn(developmentOnly.folder)) {
    // user-database-url and user-database-password hold one password.
    const whose = basename(file).replace(/-(url|password)$/, '');
    const text = await readFile(file, 'utf8');
    await writeFile(join(target, basename(file)), text.replaceAll(placeholder, passwordOf(whose)), {
      mode: 0o644,
    });
  }
  const definitions = JSON.parse(await readFile(developmentOnly.definitions, 'utf8'));
  for (const user of definitions.users) user.password = passwordOf(`${user.name}-amqp`);
  const definitionsFile = join(target, 'definitions.json');
  await writeFile(definitionsFile, `${JSON.stringify(definitions, null, 2)}\n`, { mode: 0o644 });

  const inside = relative(root, target);
  const shown = inside.startsWith('..') ? target : `./${inside}`;
  say(`wrote ${shown}; put these lines into .env:`);
  process.stdout.write(
    [
      `WARREN_SECRETS=${shown}`,
      `WARREN_BROKER_DEFINITIONS=${shown}/definitions.json`,
      `WARREN_SECRETS_DIGEST=${await digestOf({ folder: target, definitions: definitionsFile })}`,
      // From now on no service starts with a password that is shipped.
      'DEPLOYMENT=production',
      `SIGNING_KEY_SECRET=${randomBytes(36).toString('base64url')}`,
      '',
    ].join('\n'),
  );
}

/** Prints the digest of a folder, or of what is for development, after a file in it was changed. */
export async function printDigest(folder) {
  const files = folder
    ? { folder: resolve(folder), definitions: join(resolve(folder), 'definitions.json') }
    : developmentOnly;
  process.stdout.write(`${await digestOf(files)}\n`);
}

async function filesIn(folder) {
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}
