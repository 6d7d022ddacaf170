import { mayPublish } from '@warren/contracts';
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

/** What compose's broker begins with. */
const composed = JSON.parse(
  secretText(readCompose(textOf('docker-compose.yml')), 'rabbitmq-definitions'),
) as Definitions;

/** A broker that holds the users of `definitions`, under names of their own, in a vhost of its own. */
export interface BrokerWithUsers {
  /** The vhost for who may do everything in it. */
  url: string;
  urlFor(user: string): string;
  /** Who may publish what, by the names that the users have here. */
  authorize: Authorize;
  /** Gives a user other permissions than the definitions do. */
  permit(user: string, permissions: Record<'configure' | 'write' | 'read', string>): Promise<void>;
  /** The names of all queues. */
  queues(): Promise<string[]>;
  /** Sets what these definitions hold beside what is there, for instance other permissions. */
  change(definitions: Partial<Definitions>): Promise<void>;
  close(): Promise<void>;
}

/** Those of compose, unless `definitions` are given. */
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
      services.some(({ name }) => publisher === `${vhost}-${name}` && mayPublish(contracts, name, type)),
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

/** The first administration through which the users really come into being: `rabbitmqctl` may speak to another broker. */
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

/** The vhost exists already, and its name makes those of the users unlike any others. */
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
