import { randomUUID } from 'node:crypto';
import {
  BrokerRefusal,
  type ChannelSession,
  codeOf,
  ensureExchange,
  hasExchange,
  requireExchange,
} from '@warren/amqp-link';
import type { ConfirmChannel } from 'amqplib';
import type { BrokerNames } from './names.js';
import { checkKey } from './topology.js';

/** The exchanges that all services use. */
const sharedExchanges = ({ eventsExchange, replaysExchange }: BrokerNames) => [
  eventsExchange,
  replaysExchange,
];

/** Milliseconds; a broker that takes nothing for now never confirms, and is looked at with the next channel. */
const patienceMs = 5_000;

/** Makes what all services share, where it is missing. Throws `BrokerRefusal` where the user may not. */
export async function declareExchanges(session: ChannelSession, names: BrokerNames): Promise<void> {
  for (const name of sharedExchanges(names)) await ensureExchange(session, name, 'topic');
}

/**
 * `declareExchanges`, after a look at what is there: throws `BrokerRefusal` if it is no durable topic exchange.
 *
 * The broker compares type and properties only for a user who may declare the exchange. Asking it without that
 * permission fills its log with refusals, so it is asked where one of the exchanges has to be made anyhow, as on a
 * first start. Anywhere else they are known by what they do, which shows their type, not that they are durable.
 */
export async function declareAndVerifyExchanges(
  session: ChannelSession,
  names: BrokerNames,
  service: string,
): Promise<void> {
  const shared = sharedExchanges(names);
  const found: string[] = [];
  for (const name of shared) if (await hasExchange(session, name)) found.push(name);
  if (found.length < shared.length) {
    for (const name of found) await requireIfAllowed(session, name);
    await declareExchanges(session, names);
    return;
  }
  const odd = await observeIfAllowed(session, names, service);
  if (!odd) return;
  await requireIfAllowed(session, odd.exchange);
  throw new BrokerRefusal(
    'mismatch',
    `The exchange ${odd.exchange} ${odd.does}, but a durable topic exchange is needed: delete it, or use another vhost`,
  );
}

/** A user who may not look, by a queue and a key of its own, may publish all the same. */
async function observeIfAllowed({ scratch }: ChannelSession, names: BrokerNames, service: string) {
  let isForbidden = false;
  try {
    return await scratch((channel) => {
      channel.once('error', (error) => {
        isForbidden = codeOf(error) === 403;
      });
      return observe(channel, names, service);
    });
  } catch (error) {
    if (isForbidden) return undefined;
    throw error;
  }
}

async function requireIfAllowed(session: ChannelSession, name: string): Promise<void> {
  try {
    await requireExchange(session, name, 'topic');
  } catch (error) {
    if (codeOf(error) !== 403) throw error;
  }
}

/** A queue that is bound by a pattern gets from a topic exchange what matches the pattern, and nothing else. */
async function observe(
  channel: ConfirmChannel,
  names: BrokerNames,
  service: string,
): Promise<{ exchange: string; does: string } | undefined> {
  const id = randomUUID();
  const shared = sharedExchanges(names);
  const queue = names.lookQueue(service, id);
  await channel.assertQueue(queue, {
    exclusive: true,
    durable: false,
    arguments: { 'x-queue-type': 'classic', 'x-expires': 60_000 },
  });
  try {
    for (const exchange of shared) {
      const isReplays = exchange === names.replaysExchange;
      const matching = `${isReplays ? `${service}.` : ''}${checkKey(service, id)}`;
      const other = `${isReplays ? 'nobody.' : ''}${checkKey(service, id)}`;
      await channel.bindQueue(queue, exchange, `${matching}.*`);
      channel.publish(exchange, `${matching}.any`, Buffer.from(`${exchange} matching`));
      channel.publish(exchange, other, Buffer.from(`${exchange} other`));
    }
    if (!(await confirmed(channel))) return undefined;
    const got = await drain(channel, queue);
    for (const exchange of shared) {
      if (!got.has(`${exchange} matching`))
        return { exchange, does: 'knows no patterns, as a direct exchange' };
      if (got.has(`${exchange} other`))
        return { exchange, does: 'delivers whatever the key, as a fanout exchange' };
    }
    return undefined;
  } finally {
    await channel.deleteQueue(queue).catch(() => undefined);
  }
}

async function confirmed(channel: ConfirmChannel): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  try {
    return await Promise.race([channel.waitForConfirms().then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function drain(channel: ConfirmChannel, queue: string): Promise<Set<string>> {
  const got = new Set<string>();
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) return got;
    got.add(message.content.toString());
  }
}
