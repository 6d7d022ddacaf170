import { randomUUID } from 'node:crypto';
import {
  BrokerRefusal,
  type ChannelSession,
  codeOf,
  ensureExchange,
  hasExchange,
  requireExchange,
} from '@warren/amqp-link';
import { withDeadline } from '@warren/timing';
import type { ConfirmChannel } from 'amqplib';
import type { BrokerNames } from './names.js';
import { checkKey } from './topology.js';

/** The exchanges that all services use. */
const sharedExchanges = ({ eventsExchange, replaysExchange }: BrokerNames) => [
  eventsExchange,
  replaysExchange,
];

/** Milliseconds. A broker that blocks publishers does not confirm; the exchanges are then verified on the next channel. */
const confirmTimeoutMs = 5_000;

/** Declares the shared exchanges that are missing. Throws `BrokerRefusal` if the user may not declare them. */
export async function declareExchanges(session: ChannelSession, names: BrokerNames): Promise<void> {
  for (const name of sharedExchanges(names)) await ensureExchange(session, name, 'topic');
}

/**
 * Declares the shared exchanges and verifies existing ones. Throws `BrokerRefusal` if one is no durable topic exchange.
 *
 * The broker compares type and properties only for users who may declare the exchange, and logs a refusal for others. So
 * it is asked only if an exchange has to be declared anyway, as on a first start. Otherwise the exchanges are verified by
 * how they route, which shows their type, but not whether they are durable.
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

/** Returns undefined for a user without the permissions to verify: such a user may still publish. */
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

/** Checks that a queue bound by a pattern gets the messages that match the pattern, and no others. */
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
    if (!(await isConfirmed(channel))) return undefined;
    const got = await readAll(channel, queue);
    for (const exchange of shared) {
      if (!got.has(`${exchange} matching`))
        return { exchange, does: 'ignores patterns, like a direct exchange' };
      if (got.has(`${exchange} other`))
        return { exchange, does: 'ignores routing keys, like a fanout exchange' };
    }
    return undefined;
  } finally {
    await channel.deleteQueue(queue).catch(() => undefined);
  }
}

async function isConfirmed(channel: ConfirmChannel): Promise<boolean> {
  const late = new Error('the broker did not confirm in time');
  try {
    await withDeadline(channel.waitForConfirms(), confirmTimeoutMs, late);
    return true;
  } catch (error) {
    if (error === late) return false;
    throw error;
  }
}

async function readAll(channel: ConfirmChannel, queue: string): Promise<Set<string>> {
  const got = new Set<string>();
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) return got;
    got.add(message.content.toString());
  }
}
