import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrokerAlarms, brokerAlarms } from './broker-alarms.js';
import { answers, brokerVersion } from './broker-answers.js';
import { type PrivateProcess, startProcess } from './private-process.js';
import { installed } from './programs.js';
import type { Workshop } from './workshop.js';

export interface BrokerPorts {
  amqp: number;
  /** Between Erlang nodes. */
  dist: number;
  management: number;
  /** Of the Erlang name service. */
  names: number;
}

export interface BrokerSettings {
  /** Lines for its `rabbitmq.conf`. */
  settings: string;
  /** Credentials and vhost that the definitions among them bring: then there is no guest. */
  login: { user: string; password: string; vhost: string };
}

/** A broker that can be stopped in order or killed, and started again with all that it kept. */
export interface BrokerProcess {
  /** `amqp://guest:guest@127.0.0.1:…`, or with the login of its own settings. */
  url: string;
  /** The management API, with its credentials. */
  management: string;
  /** For example `3.10.8`. */
  version: string;
  /** The program that runs. */
  file: string;
  alarms: BrokerAlarms;
  /** SIGKILL: nothing is shut down in order. */
  kill(): Promise<void>;
  /** Shuts down in order. */
  stop(): Promise<void>;
  /** Starts it again and waits until it takes connections. */
  start(): Promise<void>;
  /** Ends it, together with its name service. */
  close(): Promise<void>;
}

/**
 * Starts a broker of the installed programs in the workshop's folder, with its own Erlang name service, so that
 * nothing of it meets a broker that runs on this machine anyway. One a workshop.
 */
export async function startBrokerProcess(
  workshop: Workshop,
  ports: BrokerPorts,
  own?: BrokerSettings,
): Promise<BrokerProcess> {
  const [file, epmd] = [await installed('rabbitmq-server'), await installed('epmd')];
  const { user, password, vhost } = own?.login ?? { user: 'guest', password: 'guest', vhost: '' };
  const url = `amqp://${user}:${password}@127.0.0.1:${ports.amqp}${vhost && `/${vhost}`}`;
  const management = `http://guest:guest@127.0.0.1:${ports.management}`;
  const env = await environment(join(workshop.folder, 'rabbitmq'), ports, own?.settings);
  const names = await startProcess(
    workshop,
    { name: 'epmd', file: epmd, args: ['-port', String(ports.names), '-address', '127.0.0.1'] },
    async () => undefined,
  );
  const launch = () =>
    startProcess(workshop, { name: 'rabbitmq', file, args: [], env }, async () => {
      // Users of services don't get into the management.
      if (own) await brokerVersion(url);
      else await answers(url, management);
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

/** Writes the broker's configuration below `home` and answers the variables that lead to it. */
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
  };
}
