import { describe, it } from '@jest/globals';
import { type FaultProxy, faultProxy, named, testBroker, unavailable } from '@warren/testing';
import { type ChannelModel, type ConfirmChannel, connect, type GetMessage } from 'amqplib';
import { pino } from 'pino';
import {
  brokerNames,
  brokerUser,
  createRabbitMqEventBus,
  deadLetterHeader,
  type EventBus,
  type RabbitMqEventBusOptions,
} from '../../src/index.js';
import { type BusFixture, conformanceRetryDelays, type DeadLetterSeen } from '../conformance/rule.js';

const { deadQueue, eventsExchange } = brokerNames();

export const silent = pino({ level: 'silent' });

/** The broker that a test file uses, and a plain connection to it. */
export interface Bench {
  url: string;
  /** The broker user of all connections, including those of the bus. */
  user: string;
  raw: ConfirmChannel;
  model: ChannelModel;
  close(): Promise<void>;
}

/** Runs `body` on the main broker and, if it is available, on RabbitMQ 4.x. */
export function describeOnBrokers(title: string, body: (open: () => Promise<Bench>) => void): void {
  describe(`${title}, on RabbitMQ`, () => body(openBench));
  const missing = unavailable('rabbitmq-4');
  const onFour = named(`${title}, on RabbitMQ 4`, missing);
  if (missing) it.skip(onFour, () => undefined);
  else describe(onFour, () => body(() => openBench({ version: 4 })));
}

async function openBench(options?: { version: 4 }): Promise<Bench> {
  const broker = await (options ? testBroker(options) : testBroker());
  if (!broker) throw new Error('RabbitMQ 4.x was there when the tests were collected and is gone');
  const model = await connect(broker.url, { noDelay: true });
  const raw = await model.createConfirmChannel();
  await raw.assertExchange(eventsExchange, 'topic', { durable: true });
  return {
    url: broker.url,
    user: brokerUser(broker.url) ?? '',
    raw,
    model,
    async close() {
      await model.close();
      await broker.close();
    },
  };
}

/** Starts a proxy to a broker. Resolves to the broker's URL through the proxy. */
export async function proxied(url: string): Promise<{ url: string; proxy: FaultProxy }> {
  const target = new URL(url);
  const proxy = await faultProxy({ host: target.hostname, port: Number(target.port || 5672) });
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(proxy.port);
  return { url: through.href, proxy };
}

export interface ProxiedBus {
  bus: EventBus;
  proxy: FaultProxy;
  close(): Promise<void>;
}

export async function proxiedBus(
  bench: Bench,
  options: Partial<RabbitMqEventBusOptions> = {},
  prepare: (proxy: FaultProxy) => void = () => undefined,
): Promise<ProxiedBus> {
  const { url, proxy } = await proxied(bench.url);
  prepare(proxy);
  const bus = createRabbitMqEventBus({ service: 'tester', log: silent, ...options, url });
  return {
    bus,
    proxy,
    async close() {
      await bus.close();
      await proxy.close();
    },
  };
}

export async function rabbitMqFixture(bench: Bench): Promise<BusFixture> {
  const opened = new Map<EventBus, ProxiedBus>();
  const letters = new Map<string, DeadLetterSeen[]>();
  return {
    async connect() {
      const one = await proxiedBus(bench, { retryDelays: conformanceRetryDelays });
      opened.set(one.bus, one);
      return one.bus;
    },
    async crash(bus) {
      opened.get(bus)?.proxy.refuse();
    },
    async deadLetters(service) {
      const seen = letters.get(service) ?? [];
      letters.set(service, seen);
      for (;;) {
        const message = await bench.raw.get(deadQueue(service), { noAck: true });
        if (!message) return seen;
        seen.push(asDeadLetter(message));
      }
    },
    async close() {
      await Promise.all([...opened.values()].map((one) => one.close()));
    },
  };
}

function asDeadLetter({ properties }: GetMessage): DeadLetterSeen {
  const headers = properties.headers ?? {};
  return {
    id: properties.messageId,
    reason: headers[deadLetterHeader.reason],
    attempts: headers[deadLetterHeader.attempts],
    firstFailedAt: headers[deadLetterHeader.firstFailedAt],
    errorMessage: headers[deadLetterHeader.errorMessage],
  };
}
