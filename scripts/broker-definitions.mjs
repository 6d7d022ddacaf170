// Writes what the broker of compose and of Kubernetes' quickstart begins with, from the services' contracts: a user a
// service, with the least permissions that its part needs. `--check` only compares. `--prefix <prefix>` writes them to
// stdout for services with this `AMQP_PREFIX`.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { developmentOnly, digestOf } from './lib/secrets.mjs';
import { root } from './lib/workspace.mjs';

const load = (file) => import(pathToFileURL(join(root, file)));
const { revocationType, serviceOf } = await load('packages/contracts/dist/index.js');
const { brokerNames, defaultPrefix } = await load('packages/event-bus/dist/index.js');
const { nodesExchange } = await load('packages/realtime/dist/index.js');

const { values: options } = parseArgs({
  options: { check: { type: 'boolean', default: false }, prefix: { type: 'string' } },
});
const prefix = options.prefix ?? defaultPrefix;
const { eventsExchange, replaysExchange } = brokerNames(prefix);
/** What each service in `services/*` exports as its definition. */
async function definitionsOfServices() {
  const mains = (await readdir(join(root, 'services')))
    .map((name) => `services/${name}/dist/main.js`)
    .filter((file) => existsSync(join(root, file)));
  const modules = await Promise.all(mains.map(load));
  return modules.flatMap((module) => Object.values(module)).filter((value) => value?.contract);
}

const contracts = (await definitionsOfServices()).map(({ contract }) => contract);
const vhost = 'warren';
const services = contracts.map(({ service }) => service);
// A service of such a name could use what all share, or what is another's.
const reserved = ['events', 'replays', 'nodes'];
for (const service of services) {
  if (!/^[a-z][a-z0-9-]*$/.test(service) || reserved.includes(service))
    throw new Error(`"${service}" can't be the name of a service at the broker`);
}

const literal = (text) => text.replaceAll('.', '\\.');
const oneOf = (patterns) => `^(${patterns.join('|')})$`;

const exchange = (name, type) => ({
  vhost,
  name,
  type,
  durable: true,
  auto_delete: false,
  internal: false,
  arguments: {},
});

/** What is a service's own: its queues, its exchange for failures, its nodes' queues. */
const own = (service) => `${prefix}\\.(nodes\\.)?${service}\\..+`;

// Nobody but its nodes may use a service's exchange for nodes, and nobody may delete it or those that all share.
function permissions({ service }) {
  const used = [eventsExchange, replaysExchange, nodesExchange(service)].map(literal);
  return {
    user: service,
    vhost,
    configure: oneOf([own(service)]),
    write: oneOf([...used, own(service)]),
    read: oneOf([...used, own(service)]),
  };
}

// Permissions by routing key. They keep a service from publishing another's events straight away, and from binding its
// queues to secrets. Other ways around them end at the consumers, which look at who published.
function topicPermissions({ service, emits, consumes }) {
  const foreign = Object.keys(emits).filter((type) => serviceOf(type) !== service);
  const published = [`${service}\\..+`, ...foreign.map(literal)];
  const heard = [...new Set([...consumes, revocationType])].sort();
  // By these a service looks whether its bindings are there.
  const checked = `${service}\\.bindings-checked\\..+`;
  return [
    {
      user: service,
      vhost,
      exchange: eventsExchange,
      write: oneOf(published),
      read: oneOf([...heard.map(literal), checked]),
    },
    {
      user: service,
      vhost,
      exchange: replaysExchange,
      write: oneOf(published.map((type) => `[^.]+\\.${type}`)),
      read: oneOf([`${service}\\.#`, `${service}\\.${checked}`]),
    },
  ];
}

/** By which `docker compose up` notices that the file changed. */
async function renewDigest() {
  const compose = join(root, 'docker-compose.yml');
  const digest = await digestOf(developmentOnly);
  const text = await readFile(compose, 'utf8');
  await writeFile(
    compose,
    text.replace(/(\$\{WARREN_SECRETS_DIGEST:-)[0-9a-f]+/, (_, label) => `${label}${digest}`),
  );
}

const definitions = {
  vhosts: [{ name: vhost }],
  users: services.map((name) => ({ name, password: 'development-only', tags: [] })),
  exchanges: [
    exchange(eventsExchange, 'topic'),
    exchange(replaysExchange, 'topic'),
    ...services.map((service) => exchange(nodesExchange(service), 'fanout')),
  ],
  permissions: contracts.map(permissions),
  topic_permissions: contracts.flatMap(topicPermissions),
};

const file = 'k8s/overlays/quickstart/rabbitmq/definitions.json';
const wanted = `${JSON.stringify(definitions, undefined, 2)}\n`;
if (options.prefix !== undefined) process.stdout.write(wanted);
else if (!options.check) {
  await writeFile(join(root, file), wanted);
  await renewDigest();
} else if (wanted !== (await readFile(join(root, file), 'utf8'))) {
  process.stderr.write(
    `${file} is not what the contracts say; node scripts/broker-definitions.mjs writes it\n`,
  );
  process.exitCode = 1;
}
