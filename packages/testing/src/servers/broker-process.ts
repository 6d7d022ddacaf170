import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brokerVersion, checkBroker } from './broker-check.js';
import { type PrivateProcess, startProcess } from './private-process.js';
import { installed } from './programs.js';
import type { ServerFolder } from './server-folder.js';

const run = promisify(execFile);

export interface BrokerPorts {
  amqp: number;
  /** For connections between Erlang nodes. */
  dist: number;
  management: number;
  /** The port of the Erlang name service, epmd. */
  names: number;
}

export interface BrokerSettings {
  /** Lines for its `rabbitmq.conf`. */
  settings: string;
  /** Credentials and vhost that the settings define. The broker then has no user guest. */
  login: { user: string; password: string; vhost: string };
}

/** What a broker can be short of. */
export type Shortage = 'memory' | 'disk';

/** `alarmed` are thresholds that every broker exceeds, `calm` the ones that RabbitMQ has by default. */
const thresholds: Record<Shortage, { alarmed: string[]; calm: string[] }> = {
  memory: {
    alarmed: ['set_vm_memory_high_watermark', '0'],
    calm: ['set_vm_memory_high_watermark', '0.6'],
  },
  disk: { alarmed: ['set_disk_free_limit', '1000000GB'], calm: ['set_disk_free_limit', '50MB'] },
};

export interface BrokerAlarms {
  /** Raises the broker's own alarm: it stops reading from connections that publish. A restart ends the alarm too. */
  raise(shortage: Shortage): Promise<void>;
  clear(shortage: Shortage): Promise<void>;
}

/** A broker that can be shut down or killed, and started again with its data. */
export interface BrokerProcess {
  /** `amqp://guest:guest@127.0.0.1:…`, or with the login of its own settings. */
  url: string;
  /** The URL of the management API, with credentials. */
  management: string;
  /** For example `3.10.8`. */
  version: string;
  /** The path of the running program. */
  file: string;
  alarms: BrokerAlarms;
  /** Kills it with SIGKILL, without a shutdown. */
  kill(): Promise<void>;
  /** Shuts it down. */
  stop(): Promise<void>;
  /** Starts it again and waits until it accepts connections. */
  start(): Promise<void>;
  /** Ends it together with its name service. */
  close(): Promise<void>;
}

/**
 * Starts an installed broker with its own Erlang name service, so that it is independent of any broker that already
 * runs on this machine. A server folder holds one broker at most.
 */
export async function startBrokerProcess(
  serverFolder: ServerFolder,
  ports: BrokerPorts,
  own?: BrokerSettings,
): Promise<BrokerProcess> {
  const [file, epmd] = [await installed('rabbitmq-server'), await installed('epmd')];
  const { user, password, vhost } = own?.login ?? { user: 'guest', password: 'guest', vhost: '' };
  const url = `amqp://${user}:${password}@127.0.0.1:${ports.amqp}${vhost && `/${vhost}`}`;
  const management = `http://guest:guest@127.0.0.1:${ports.management}`;
  const env = await environment(join(serverFolder.path, 'rabbitmq'), ports, own?.settings);
  const names = await startProcess(
    serverFolder,
    { name: 'epmd', file: epmd, args: ['-port', String(ports.names), '-address', '127.0.0.1'] },
    async () => undefined,
  );
  const launch = () =>
    startProcess(serverFolder, { name: 'rabbitmq', file, args: [], env }, async () => {
      // With settings of its own it has no user who may use the management API.
      if (own) await brokerVersion(url);
      else await checkBroker(url, management);
    });
  let broker: PrivateProcess;
  try {
    broker = await launch();
  } catch (error) {
    await names.stop();
    throw error;
  }
  return {
    url,
    management,
    version: await brokerVersion(url),
    file,
    alarms: brokerAlarms(env),
    kill: () => broker.stop(),
    stop: () => broker.terminate(),
    async start() {
      broker = await launch();
    },
    async close() {
      await broker.stop();
      await names.stop();
    },
  };
}

/** `env`: the variables with which the broker was started. */
function brokerAlarms(env: Record<string, string>): BrokerAlarms {
  const set = async (args: string[]) => {
    await run(await installed('rabbitmqctl'), ['-q', ...args], {
      env: { ...process.env, ...env },
      timeout: 60_000,
    });
  };
  return {
    raise: (shortage) => set(thresholds[shortage].alarmed),
    clear: (shortage) => set(thresholds[shortage].calm),
  };
}

/** Writes the broker's configuration below `home` and returns the variables that point to it. */
async function environment(home: string, ports: BrokerPorts, settings = ''): Promise<Record<string, string>> {
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'enabled_plugins'), '[rabbitmq_management].\n');
  await writeFile(
    join(home, 'rabbitmq.conf'),
    `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${ports.management}\nlog.file.level = warning\n${settings}`,
  );
  return {
    HOME: home,
    ERL_EPMD_PORT: String(ports.names),
    RABBITMQ_NODENAME: `warren${ports.amqp}@localhost`,
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(ports.dist),
    RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_PID_FILE: join(home, 'pid'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    // Idle schedulers sleep. Busy waiting would take processor time from the tests:
    // https://www.rabbitmq.com/docs/runtime#busy-waiting
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
  };
}
