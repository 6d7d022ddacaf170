import { serverFor } from './addresses.js';
import { unavailable } from './unavailable.js';
import { createVhost } from './vhost.js';

export interface TestBroker {
  /** `amqp://…/<a vhost of its own>` */
  url: string;
  /**
   * False where the broker's administration can't be reached: then `url` is the vhost as it was given, and
   * what a test leaves there, another test meets.
   */
  isolated: boolean;
  /** Deletes everything on it and cuts whatever is connected, as if the broker had lost its data. Only if `isolated`. */
  empty(): Promise<void>;
  /** Deletes the vhost; that cuts whatever is still connected to it. */
  close(): Promise<void>;
}

/** A vhost of its own on the broker for tests. */
export function testBroker(): Promise<TestBroker>;
/**
 * The same on RabbitMQ 4.x. `undefined` where that can't be had; `unavailable('rabbitmq-4')` tells why, so that
 * the test can be skipped with its reason.
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
    `No access to the administration of RabbitMQ at ${server.host}: these tests share its vhost ` +
      `"${server.pathname || '/'}". Set WARREN_TEST_AMQP_MANAGEMENT_URL for a vhost each.\n`,
  );
  return {
    url: server.href,
    isolated: false,
    async empty() {
      throw new Error('This vhost is not the test’s own');
    },
    close: async () => undefined,
  };
}
