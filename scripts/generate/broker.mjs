import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../lib/workspace.mjs';

const vhost = 'warren';
/** Parts of the names that all services share: a service of such a name could use what belongs to all. */
const reserved = ['events', 'replays'];

const literal = (text) => text.replaceAll('.', '\\.');
const oneOf = (patterns) => `^(${patterns.join('|')})$`;
const load = (file) => import(pathToFileURL(join(root, file)));

/**
 * Users, exchanges and permissions with which the broker of compose and of the quickstart starts, as JSON: a user for
 * each service, with the least permissions that its contract and its event handlers need. `prefix` is the `AMQP_PREFIX` of the services.
 */
export async function brokerDefinitions(services, prefix) {
  const { revocationType, serviceOf } = await load('packages/contracts/dist/index.js');
  const { brokerNames, defaultPrefix } = await load('packages/event-bus/dist/index.js');
  const { eventsExchange, replaysExchange } = brokerNames(prefix ?? defaultPrefix);
  const names = services.map(({ name }) => name);
  for (const name of names) {
    if (!/^[a-z][a-z0-9-]*$/.test(name) || reserved.includes(name))
      throw new Error(`a service can't be named "${name}", because of the names at the broker`);
  }

  // A service may use the exchanges that all share, but not declare or delete them.
  function permissions({ name }) {
    const used = [eventsExchange, replaysExchange].map(literal);
    /** Its queues, its exchange for failures, the exchange and the queues of its nodes. */
    const own = `${prefix ?? defaultPrefix}\\.${name}\\..+`;
    return {
      user: name,
      vhost,
      configure: oneOf([own]),
      write: oneOf([...used, own]),
      read: oneOf([...used, own]),
    };
  }

  // By routing key. They keep a service from publishing events of another, and from binding its queues to secrets.
  // Consumers check the publisher as well, because these permissions can be circumvented.
  function topicPermissions({ name, contract, consumes }) {
    const foreign = Object.keys(contract.emits).filter((type) => serviceOf(type) !== name);
    const published = [`${name}\\..+`, ...foreign.map(literal)];
    const heard = [...new Set([...consumes, revocationType])].sort();
    // With these messages a service checks that its bindings exist.
    const checked = `${name}\\.bindings-checked\\..+`;
    return [
      {
        user: name,
        vhost,
        exchange: eventsExchange,
        write: oneOf(published),
        read: oneOf([...heard.map(literal), checked]),
      },
      {
        user: name,
        vhost,
        exchange: replaysExchange,
        write: oneOf(published.map((type) => `[^.]+\\.${type}`)),
        read: oneOf([`${name}\\.#`, `${name}\\.${checked}`]),
      },
    ];
  }

  const definitions = {
    vhosts: [{ name: vhost }],
    users: names.map((name) => ({ name, password: 'development-only', tags: [] })),
    exchanges: [exchange(eventsExchange, 'topic'), exchange(replaysExchange, 'topic')],
    permissions: services.map(permissions),
    topic_permissions: services.flatMap(topicPermissions),
  };
  return `${JSON.stringify(definitions, undefined, 2)}\n`;
}

function exchange(name, type) {
  return { vhost, name, type, durable: true, auto_delete: false, internal: false, arguments: {} };
}
