import { serverFor } from './addresses.js';
import { unavailable } from './unavailable.js';
import { createVhost } from './vhost.js';

export interface TestBroker {
  /** `amqp://…/<a vhost of its own>` */
  url: string;
  /**
   * False if the broker's administration cannot be reached: `url` then names the broker's given vhost, which all
   * tests share.
   */
  isolated: boolean;
  /** Deletes the vhost's data and its connections, as if the broker had lost its data. Only if `isolated`. */
  empty(): Promise<void>;
  /** Deletes the vhost, which closes its connections. */
  close(): Promise<void>;
}

/** Creates a vhost on the broker for tests. */
export function testBroker(): Promise<TestBroker>;
/**
 * Creates a vhost on RabbitMQ 4.x. Returns `undefined` if there is none: skip the test with the reason that
 * `unavailable('rabbitmq-4')` gives.
 */
export function testBroker(options: { version: 4 }): Promise<TestBroker | undefined>;
export async function testBroker(options?: { version: 4 }): Promise<TestBroker | undefined> {
  if (!options) return isolate(await serverFor('amqp'), process.env.WARREN_TEST_AMQP_MANAGEMENT_URL);
  if (unavailable('rabbitmq-4')) return undefined;
  return isolate(
    new URL(process.env.WARREN_TEST_AMQP4_URL ?? ''),
    process.env.WARREN_TEST_AMQP4_MANAGEMENT_URL,
  );
}

async function isolate(server: URL, management: string | undefined): Promise<TestBroker> {
  const vhost = await createVhost(server, management);
  if (vhost) return { url: vhost.url, isolated: true, empty: vhost.empty, close: vhost.drop };
  process.stderr.write(
    `No access to the administration of RabbitMQ at ${server.host}: all tests share its vhost ` +
      `"${server.pathname || '/'}". Set WARREN_TEST_AMQP_MANAGEMENT_URL to give each test its own.\n`,
  );
  return {
    url: server.href,
    isolated: false,
    async empty() {
      throw new Error('This vhost is shared by all tests');
    },
    close: async () => undefined,
  };
}
