import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { connect } from 'amqplib';

const run = promisify(execFile);

export interface Vhost {
  url: string;
  /** Deletes the vhost and creates it again, as if the broker had lost its data. */
  empty(): Promise<void>;
  drop(): Promise<void>;
}

/** The two administrative operations that a vhost per test needs. */
interface Administration {
  add(vhost: string, user: string): Promise<void>;
  remove(vhost: string): Promise<void>;
}

/**
 * Creates a vhost for the user of `server`, through the management API or, for a broker on this machine, with
 * `rabbitmqctl`. Returns `undefined` if neither works.
 */
export async function createVhost(server: URL, management: string | undefined): Promise<Vhost | undefined> {
  const vhost = `warren-test-${process.pid}-${randomBytes(4).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${vhost}`;
  for (const administration of administrations(server, management)) {
    if (!(await reachable(administration, vhost, url))) continue;
    return {
      url: url.href,
      async empty() {
        await administration.remove(vhost);
        await administration.add(vhost, userOf(url));
      },
      drop: () => administration.remove(vhost),
    };
  }
  return undefined;
}

function administrations(server: URL, management: string | undefined): Administration[] {
  const api = managementApi(new URL(management ?? `http://${server.hostname}:15672`), server);
  if (management) return [api];
  return isLocal(server.hostname) ? [rabbitmqctl, api] : [api];
}

const userOf = (url: URL) => decodeURIComponent(url.username) || 'guest';

function isLocal(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

/** Adds the vhost and connects to it, which shows that the administration belongs to the same broker. */
async function reachable(administration: Administration, vhost: string, url: URL): Promise<boolean> {
  try {
    await administration.add(vhost, userOf(url));
  } catch {
    return false;
  }
  try {
    const connection = await connect(url.href, { timeout: 10_000 });
    await connection.close();
    return true;
  } catch {
    await administration.remove(vhost);
    return false;
  }
}

const rabbitmqctl: Administration = {
  async add(vhost, user) {
    await run('rabbitmqctl', ['-q', 'add_vhost', vhost], { timeout: 30_000 });
    await run('rabbitmqctl', ['-q', 'set_permissions', '-p', vhost, user, '.*', '.*', '.*'], {
      timeout: 30_000,
    });
  },
  async remove(vhost) {
    await run('rabbitmqctl', ['-q', 'delete_vhost', vhost], { timeout: 30_000 });
  },
};

function managementApi(base: URL, server: URL): Administration {
  const user = decodeURIComponent(base.username || server.username || 'guest');
  const password = decodeURIComponent(base.password || server.password || 'guest');
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  async function call(method: 'PUT' | 'DELETE', path: string, body?: object): Promise<void> {
    const response = await fetch(new URL(path, base.origin), {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
      signal: AbortSignal.timeout(15_000),
    });
    if (!response.ok)
      throw new Error(`RabbitMQ's management API answered ${response.status} to ${method} ${path}`);
  }

  return {
    async add(vhost, of) {
      await call('PUT', `/api/vhosts/${vhost}`);
      await call('PUT', `/api/permissions/${vhost}/${encodeURIComponent(of)}`, {
        configure: '.*',
        write: '.*',
        read: '.*',
      });
    },
    remove: (vhost) => call('DELETE', `/api/vhosts/${vhost}`),
  };
}
