import { expect } from '@jest/globals';
import { brokerUser } from '@warren/amqp-link';
import { eventually, type FaultProxy, faultProxy, type TestBroker, testBroker } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import { pino } from 'pino';
import { createRabbitMqNodeBus, type NodeBus, type RabbitMqNodeBusOptions } from '../../src/index.js';

export const silent = pino({ level: 'silent' });

/** A broker, a plain channel to look at it from outside, and nodes that are closed after each test. */
export interface Bench {
  url: string;
  /** The user of all connections. */
  user: string;
  raw: ConfirmChannel;
  /** Opens a node and waits until it hears. */
  open(options: Pick<RabbitMqNodeBusOptions, 'service'> & Partial<RabbitMqNodeBusOptions>): Promise<NodeBus>;
  /** The same broker, reached through a proxy of one's own. */
  proxied(): Promise<{ url: string; proxy: FaultProxy }>;
  /** Closes what was opened since the last call. */
  cleanUp(): Promise<void>;
  close(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const broker: TestBroker = await testBroker();
  const model = await connect(broker.url, { noDelay: true });
  const raw = await model.createConfirmChannel();
  const opened: Array<() => Promise<void>> = [];
  return {
    url: broker.url,
    user: brokerUser(broker.url) ?? '',
    raw,
    async open(options) {
      const node = createRabbitMqNodeBus({ url: broker.url, node: 'n', log: silent, ...options });
      opened.push(() => node.close());
      await eventually(() => expect(node.state).toBe('up'));
      return node;
    },
    async proxied() {
      const target = new URL(broker.url);
      const proxy = await faultProxy({ host: target.hostname, port: Number(target.port || 5672) });
      opened.push(() => proxy.close());
      const url = new URL(broker.url);
      url.hostname = '127.0.0.1';
      url.port = String(proxy.port);
      return { url: url.href, proxy };
    },
    async cleanUp() {
      for (const close of opened.splice(0).reverse()) await close();
    },
    async close() {
      await model.close();
      await broker.close();
    },
  };
}
