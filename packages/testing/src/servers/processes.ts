import { join } from 'node:path';
import { freePort, startLocalPostgres } from '@warren/local-postgres';
import { listens } from '../addresses.js';
import { brokerEnv } from './broker-check.js';
import { startBrokerProcess } from './broker-process.js';
import { startProcess } from './private-process.js';
import { installed } from './programs.js';
import type { ServerFolder } from './server-folder.js';
import type { StartedServer } from './started-server.js';

// The servers as private processes of installed programs. Their data is deleted with the folder.

export async function startRabbitMqProcess(serverFolder: ServerFolder): Promise<StartedServer> {
  const ports = {
    amqp: await freePort(),
    dist: await freePort(),
    management: await freePort(),
    names: await freePort(),
  };
  const { url, management, version, file, close } = await startBrokerProcess(serverFolder, ports);
  return {
    description: `RabbitMQ ${version}, a private process (${file})`,
    env: brokerEnv('AMQP', url, management),
    stop: close,
  };
}

export async function startPostgresProcess(serverFolder: ServerFolder): Promise<StartedServer> {
  const folder = join(serverFolder.path, 'postgres');
  const postgres = await startLocalPostgres({ folder, durable: false, maxConnections: 400 });
  await serverFolder.record(postgres.pid);
  return {
    description: `${postgres.description}, a private process`,
    env: { WARREN_TEST_DATABASE_URL: postgres.url('postgres') },
    stop: postgres.stop,
  };
}

export async function startRedisProcess(serverFolder: ServerFolder): Promise<StartedServer> {
  const file = await installed('redis-server');
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = await startProcess(serverFolder, { name: 'redis', file, args }, async () => {
    if (!(await listens('127.0.0.1', port))) throw new Error('Redis does not listen');
  });
  return {
    description: `Redis, a private process (${file})`,
    env: { WARREN_TEST_REDIS_URL: `redis://127.0.0.1:${port}` },
    stop: redis.stop,
  };
}
