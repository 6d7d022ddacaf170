import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { freePort, startProcess } from './private-process.js';
import { installed } from './programs.js';
import type { Started } from './started.js';
import type { Workshop } from './workshop.js';

/** Which variables lead to a broker. The one for 4.x stands beside the main one. */
export type BrokerRole = 'AMQP' | 'AMQP4';

export function brokerEnv(role: BrokerRole, url: string, management: string): Record<string, string> {
  return { [`WARREN_TEST_${role}_URL`]: url, [`WARREN_TEST_${role}_MANAGEMENT_URL`]: management };
}

/**
 * A private broker from the installed programs, with its own Erlang name service, so that nothing of it meets a
 * broker that runs on this machine anyway, and nothing stays behind.
 */
export async function startRabbitMqProcess(workshop: Workshop): Promise<Started> {
  const [server, epmd] = [await installed('rabbitmq-server'), await installed('epmd')];
  const home = join(workshop.folder, 'rabbitmq');
  await mkdir(home, { recursive: true });
  const [port, distPort, managementPort, epmdPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  await writeFile(join(home, 'enabled_plugins'), '[rabbitmq_management].\n');
  await writeFile(
    join(home, 'rabbitmq.conf'),
    `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${managementPort}\nlog.file.level = warning\n`,
  );
  const names = await startProcess(
    workshop,
    { name: 'epmd', file: epmd, args: ['-port', String(epmdPort), '-address', '127.0.0.1'] },
    async () => undefined,
  );
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const management = `http://guest:guest@127.0.0.1:${managementPort}`;
  try {
    const broker = await startProcess(
      workshop,
      {
        name: 'rabbitmq',
        file: server,
        args: [],
        env: {
          HOME: home,
          ERL_EPMD_PORT: String(epmdPort),
          RABBITMQ_NODENAME: `warren${port}@localhost`,
          RABBITMQ_NODE_PORT: String(port),
          RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
          RABBITMQ_DIST_PORT: String(distPort),
          RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
          RABBITMQ_LOG_BASE: join(home, 'log'),
          RABBITMQ_PID_FILE: join(home, 'pid'),
          RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
          RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
        },
      },
      () => answers(url, management),
    );
    return {
      what: `RabbitMQ ${await brokerVersion(url)}, a private process (${server})`,
      env: brokerEnv('AMQP', url, management),
      async stop() {
        await broker.stop();
        await names.stop();
      },
    };
  } catch (error) {
    await names.stop();
    throw error;
  }
}

/** Throws unless the broker takes connections and its management API answers. */
export async function answers(url: string, management: string): Promise<void> {
  await brokerVersion(url);
  const { origin, username, password } = new URL(management);
  const response = await fetch(`${origin}/api/whoami`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    signal: AbortSignal.timeout(5_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`RabbitMQ's management answers ${response.status}`);
}

/** For example `3.10.8`. Rejects unless the broker takes a connection. */
export async function brokerVersion(url: string): Promise<string> {
  const connection = await connect(url, { timeout: 10_000 });
  try {
    return String(connection.connection.serverProperties.version);
  } finally {
    await connection.close();
  }
}
