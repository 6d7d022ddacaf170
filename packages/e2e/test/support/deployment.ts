import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startLocalPostgres } from '@warren/local-postgres';
import { openServerFolder, quietPorts, type ServerFolder, startBrokerProcess } from '@warren/testing';
import { root } from './process.js';
import { SeparateSystem, type Servers, services } from './system.js';

const quickstart = join(root, 'k8s/overlays/quickstart');
const secrets = join(root, 'compose/development-only');

const secret = async (name: string) => (await readFile(join(secrets, name), 'utf8')).trim();

/**
 * Starts a private broker and database server with the settings, definitions and start script that compose and
 * Kubernetes mount, and each service with the broker user and database roles that it has there.
 */
export async function startDeployment(): Promise<SeparateSystem> {
  const serverFolder = await openServerFolder();
  const closers = [() => serverFolder.close()];
  let servers: Servers;
  try {
    const [amqp = 0, dist = 0, management = 0, names = 0] = await quietPorts(4);
    const ports = { amqp, dist, management, names };
    const broker = await startBrokerProcess(serverFolder, ports, await brokerSettings());
    closers.unshift(() => broker.close());
    const postgres = await startLocalPostgres({
      folder: join(serverFolder.path, 'postgres'),
      durable: false,
    });
    closers.unshift(() => postgres.stop());
    await serverFolder.record(postgres.pid);
    const database = new URL(postgres.url('postgres'));
    await createDatabases(serverFolder, database);
    servers = await serversFor(`127.0.0.1:${amqp}`, database.host);
  } catch (error) {
    for (const close of closers) await close();
    throw error;
  }
  return SeparateSystem.on(servers, closers);
}

/** The settings of the deployment with other paths. */
async function brokerSettings() {
  const { username, password, pathname } = new URL(await secret('user-amqp-url'));
  const settings = await readFile(join(quickstart, 'rabbitmq/rabbitmq.conf'), 'utf8');
  return {
    settings: settings.replaceAll('/etc/warren', join(quickstart, 'rabbitmq')),
    login: { user: username, password, vhost: pathname.slice(1) },
  };
}

/** Runs the script that the database image runs for a new volume. */
async function createDatabases({ path: folder }: ServerFolder, server: URL): Promise<void> {
  const script = await readFile(join(quickstart, 'postgres/create-databases.sh'), 'utf8');
  const programs = join(folder, 'programs');
  await mkdir(programs);
  const psql = join(import.meta.dirname, 'psql.mjs');
  await writeFile(join(programs, 'psql'), `#!/bin/sh\nexec "${process.execPath}" "${psql}" "$@"\n`);
  await chmod(join(programs, 'psql'), 0o755);
  await promisify(execFile)('sh', ['-c', script.replaceAll('/run/secrets', secrets)], {
    env: {
      PATH: `${programs}:${process.env.PATH}`,
      PGHOST: server.hostname,
      PGPORT: server.port,
      PGUSER: server.username,
      PGPASSWORD: server.password,
      PGDATABASE: 'postgres',
    },
    timeout: 60_000,
  });
}

/** The services' addresses in compose, but on these servers. */
async function serversFor(broker: string, database: string): Promise<Servers> {
  const on = async (name: string, host: string) => {
    const url = new URL(await secret(name));
    url.host = host;
    return url.href;
  };
  const entries = services.map(async (service) => {
    const owner = `${service}-owner-database-url`;
    return [
      service,
      {
        AMQP_URL: await on(`${service}-amqp-url`, broker),
        AMQP_USERS: 'per-service',
        DATABASE_URL: await on(`${service}-database-url`, database),
        ...(existsSync(join(secrets, owner)) && { MIGRATE_DATABASE_URL: await on(owner, database) }),
      },
    ];
  });
  return Object.fromEntries(await Promise.all(entries)) as Servers;
}
