// Files that follow from the services and from the import rules. `npm run generate` writes them; `npm run check` fails
// where one differs. Add to them by changing what they are made from: a service's folder, a template, a rule.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { boundaries } from '../../lint/boundaries.mjs';
import { prepare } from '../lib/prepare.mjs';
import { digestOfTexts } from '../lib/secrets.mjs';
import { describeServices, findServices } from '../lib/services.mjs';
import { root } from '../lib/workspace.mjs';
import { brokerDefinitions } from './broker.mjs';
import { compose } from './compose.mjs';
import { dockerfiles } from './dockerfiles.mjs';
import { kubernetes } from './kubernetes.mjs';
import { readme } from './readme.mjs';
import { textOf } from './text.mjs';
import { tsconfig } from './tsconfig.mjs';

/** Writes what differs, and returns the paths of these files. Installs and compiles what is new. */
export async function generate() {
  await prepare({ generated: false, newPackages: true });
  const written = await write(stale(filesOfTheCode()));
  await prepare({ projects: ['.'] });
  return [...written, ...(await write(await staleFiles())), ...(await removeFilesOfFormerServices())];
}

/** The text that each file should have and hasn't, by path. The repository must be built. */
export async function staleFiles() {
  return stale({ ...filesOfTheCode(), ...(await filesOfServices(await describeServices())) });
}

/** What can be written before the code is compiled. */
function filesOfTheCode() {
  return { ...boundaries(), ...tsconfig() };
}

/** What is made from the definitions of the services, in a checkout that may hold other services than this one. */
export async function filesOfServices(services, checkout = root) {
  const kit = await import(pathToFileURL(join(root, 'packages/service-kit/dist/index.js')));
  const definitions = await brokerDefinitions(services);
  const files = {
    ...dockerfiles(services, checkout),
    ...kubernetes(services, checkout),
    ...compose(services, kit, checkout),
    ...readme(services, kit, checkout),
    [definitionsFile]: definitions,
  };
  files['docker-compose.yml'] = withDigest(files);
  return files;
}

const definitionsFile = 'k8s/overlays/quickstart/rabbitmq/definitions.json';
const passwords = 'compose/development-only/';

/** docker-compose.yml with the digest of the secret files that it mounts. */
function withDigest(files) {
  const mounted = Object.keys(files).filter((file) => file.startsWith(passwords));
  const secrets = [...mounted, `${passwords}postgres-password`].sort();
  const digest = digestOfTexts(
    [...secrets, definitionsFile].map((file) => [basename(file), files[file] ?? textOf(file)]),
  );
  return files['docker-compose.yml'].replace(
    /(\$\{WARREN_SECRETS_DIGEST:-)[0-9a-f]+/,
    (_, label) => `${label}${digest}`,
  );
}

function stale(files) {
  return new Map(Object.entries(files).filter(([file, text]) => textOf(file) !== text));
}

async function write(files) {
  for (const [file, text] of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  return [...files.keys()];
}

async function removeFilesOfFormerServices() {
  const names = findServices().map(({ name }) => name);
  const former = (await readdir(join(root, 'k8s/services'))).filter((name) => !names.includes(name));
  for (const name of former) await rm(join(root, 'k8s/services', name), { recursive: true });
  return former.map((name) => `k8s/services/${name} (removed)`);
}
