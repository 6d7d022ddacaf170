// Creates passwords for docker compose: a folder like the one for development, with a file for each secret.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { Failure, root, say } from './workspace.mjs';

/** The files that `docker-compose.yml` mounts by default. */
export const developmentOnly = {
  folder: join(root, 'compose/development-only'),
  definitions: join(root, 'k8s/overlays/quickstart/rabbitmq/definitions.json'),
};

const placeholder = 'development-only';

/** A digest of the mounted files. As a container label it makes `docker compose up` replace containers after a change. */
export async function digestOf({ folder, definitions }) {
  const files = [...(await filesIn(folder)).filter((file) => file !== definitions), definitions];
  return digestOfTexts(await Promise.all(files.map(async (file) => [basename(file), await readFile(file)])));
}

/** The same for the `[name, text]` of each file: sorted by name, and the definitions of the broker last. */
export function digestOfTexts(files) {
  const hash = createHash('sha256');
  for (const [name, text] of files) hash.update(`${name}\n`).update(text).update('\n');
  return hash.digest('hex').slice(0, 16);
}

/**
 * Writes a folder with random passwords and the broker's definitions, and prints the lines for `.env`. Fails if the
 * folder exists, because new passwords would not match the existing volumes.
 */
export async function makeSecrets(folder) {
  const target = resolve(folder);
  if (existsSync(target)) {
    throw new Failure(
      `${folder} exists, and the volumes were created with its passwords. Remove or rename it to create new ones`,
    );
  }
  // Only the owner may enter the folder. The files are mounted one by one and must be readable for the containers' users.
  await mkdir(target, { recursive: true, mode: 0o700 });
  const passwords = new Map();
  const passwordOf = (account) => {
    if (!passwords.has(account)) passwords.set(account, randomBytes(24).toString('base64url'));
    return passwords.get(account);
  };
  for (const file of await filesIn(developmentOnly.folder)) {
    // user-database-url and user-database-password contain the same password.
    const account = basename(file).replace(/-(url|password)$/, '');
    const text = await readFile(file, 'utf8');
    await writeFile(join(target, basename(file)), text.replaceAll(placeholder, passwordOf(account)), {
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
      // In production no service starts with a password from the repository.
      'DEPLOYMENT=production',
      `SIGNING_KEY_SECRET=${randomBytes(36).toString('base64url')}`,
      '',
    ].join('\n'),
  );
}

/** Prints the digest of a folder, by default of the one for development. */
export async function printDigest(folder) {
  const files = folder
    ? { folder: resolve(folder), definitions: join(resolve(folder), 'definitions.json') }
    : developmentOnly;
  process.stdout.write(`${await digestOf(files)}\n`);
}

async function filesIn(folder) {
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}
