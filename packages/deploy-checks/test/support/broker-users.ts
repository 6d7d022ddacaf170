import { takesFrom } from '@warren/contracts';
import type { Authorize } from '@warren/event-bus';
import { testBroker } from '@warren/testing';
import { connect } from 'amqplib';
import { readCompose, secretText } from './compose.js';
import { textOf } from './repository.js';
import { services } from './services.js';
import { run } from './tools.js';

export interface Definitions {
  vhosts: Array<{ name: string }>;
  users: Array<{ name: string; password: string; tags: string[] }>;
  exchanges: Array<{ vhost: string; name: string; type: string }>;
  permissions: Array<{ user: string; vhost: string; configure: string; write: string; read: string }>;
  topic_permissions: Array<{ user: string; vhost: string; exchange: string; write: string; read: string }>;
}

/** The definitions with which compose starts its broker. */
const composed = JSON.parse(
  secretText(readCompose(textOf('docker-compose.yml')), 'rabbitmq-definitions'),
) as Definitions;

/** A broker with a vhost of its own and the users of `definitions`, under unique names. */
export interface BrokerWithUsers {
  /** The vhost, for a user with all permissions. */
  url: string;
  urlFor(user: string): string;
  /** Decides who may publish what, by the names of the users here. */
  authorize: Authorize;
  /** Replaces the permissions of a user. */
  permit(user: string, permissions: Record<'configure' | 'write' | 'read', string>): Promise<void>;
  /** The names of all queues. */
  queues(): Promise<string[]>;
  /** Loads more definitions, for example other permissions. */
  change(definitions: Partial<Definitions>): Promise<void>;
  close(): Promise<void>;
}

/** Uses the definitions of compose by default. */
export async function brokerWithUsers(
  options?: { version: 4 },
  definitions = composed,
): Promise<BrokerWithUsers> {
  const broker = await (options ? testBroker(options) : testBroker());
  if (!broker?.isolated) throw new Error('This test needs access to the administration of the broker');
  const url = new URL(broker.url);
  const vhost = decodeURIComponent(url.pathname.slice(1));
  const renamed = rename(definitions, vhost);
  const administration = await administrationOf(url, options, renamed, vhost);
  return {
    url: broker.url,
    urlFor: (user) => urlOf(url, renamed, `${vhost}-${user}`),
    authorize: (publisher, type) =>
      services.some(
        ({ name }) =>
          publisher === `${vhost}-${name}` && contracts.some((consumer) => takesFrom(consumer, name, type)),
      ),
    async permit(user, permissions) {
      await administration.load({ permissions: [{ ...permissions, vhost, user: `${vhost}-${user}` }] });
    },
    queues: () => administration.queues(vhost),
    change: (change) =>
      administration.load(
        rename(
          { vhosts: [], users: [], exchanges: [], permissions: [], topic_permissions: [], ...change },
          vhost,
        ),
      ),
    async close() {
      await broker.close();
      for (const { name } of renamed.users) await administration.removeUser(name);
    },
  };
}

interface Administration {
  load(definitions: object): Promise<void>;
  removeUser(name: string): Promise<void>;
  queues(vhost: string): Promise<string[]>;
}

/** Returns the first administration that really creates the users, because `rabbitmqctl` may belong to another broker. */
async function administrationOf(
  url: URL,
  options: { version: 4 } | undefined,
  definitions: Definitions,
  vhost: string,
): Promise<Administration> {
  const [first] = definitions.users;
  const failures: unknown[] = [];
  for (const administration of [managementApi(url, options), rabbitmqctl]) {
    try {
      await administration.load(definitions);
      const connection = await connect(urlOf(url, definitions, first?.name ?? vhost));
      await connection.close();
      return administration;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, 'Neither the management API nor rabbitmqctl could load the definitions');
}

function managementApi(server: URL, options: { version: 4 } | undefined): Administration {
  const variable = `WARREN_TEST_AMQP${options?.version ?? ''}_MANAGEMENT_URL`;
  const base = new URL(process.env[variable] ?? `http://${server.hostname}:15672`);
  const credentials = `${base.username || server.username}:${base.password || server.password}`;
  const authorization = `Basic ${Buffer.from(decodeURIComponent(credentials)).toString('base64')}`;
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => {
    const response = await fetch(new URL(path, base.origin), {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`);
    return response;
  };
  return {
    async load(definitions) {
      await call('POST', '/api/definitions', definitions);
    },
    async removeUser(name) {
      await call('DELETE', `/api/users/${encodeURIComponent(name)}`);
    },
    async queues(vhost) {
      const answer = await call('GET', `/api/queues/${encodeURIComponent(vhost)}`);
      return ((await answer.json()) as { name: string }[]).map(({ name }) => name);
    },
  };
}

const contracts = services.map(({ contract }) => contract);

const rabbitmqctl: Administration = {
  async load(definitions) {
    run('rabbitmqctl', ['--quiet', 'import_definitions'], { input: JSON.stringify(definitions) });
  },
  async removeUser(name) {
    run('rabbitmqctl', ['--quiet', 'delete_user', name]);
  },
  async queues(vhost) {
    const names = run('rabbitmqctl', ['--quiet', 'list_queues', '-p', vhost, '--no-table-headers', 'name']);
    return names.split('\n').filter((name) => name !== '');
  },
};

/** Prefixes the names of users with the unique name of the vhost, which exists already. */
function rename(definitions: Definitions, vhost: string): Definitions {
  return {
    vhosts: [],
    users: definitions.users.map((user) => ({ ...user, name: `${vhost}-${user.name}` })),
    exchanges: definitions.exchanges.map((item) => ({ ...item, vhost })),
    permissions: definitions.permissions.map((item) => ({ ...item, vhost, user: `${vhost}-${item.user}` })),
    topic_permissions: definitions.topic_permissions.map((item) => ({
      ...item,
      vhost,
      user: `${vhost}-${item.user}`,
    })),
  };
}

function urlOf(server: URL, { users }: Definitions, name: string): string {
  const url = new URL(server);
  url.username = name;
  url.password = users.find((user) => user.name === name)?.password ?? '';
  return url.href;
}
