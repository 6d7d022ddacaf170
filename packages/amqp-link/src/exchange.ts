import type { ChannelSession } from './channel.js';
import { BrokerRefusal, codeOf } from './refusal.js';

export type ExchangeType = 'topic' | 'direct' | 'fanout';

/** Whether an exchange of this name exists, of any type. Needs no permission. */
export async function hasExchange({ scratch }: ChannelSession, name: string): Promise<boolean> {
  try {
    await scratch((channel) => channel.checkExchange(name));
    return true;
  } catch (error) {
    if (codeOf(error) === 404) return false;
    throw error;
  }
}

/**
 * Declares a durable exchange unless an exchange of this name exists, of any type (`requireExchange` checks the type).
 * It checks first, so that the user needs no permission to configure an exchange that operators declare themselves:
 * with that permission a service could also delete it.
 *
 * Throws `BrokerRefusal` if the exchange doesn't exist and the user may not declare it.
 */
export async function ensureExchange(
  session: ChannelSession,
  name: string,
  type: ExchangeType,
): Promise<void> {
  if (await hasExchange(session, name)) return;
  try {
    await requireExchange(session, name, type);
  } catch (error) {
    if (codeOf(error) !== 403) throw error;
    const missing = `The exchange ${name} does not exist, and this user may not declare it: a durable ${type} exchange is needed`;
    throw new BrokerRefusal('forbidden', missing, { cause: error });
  }
}

/**
 * Declares a durable exchange of this type. Needs the permission to configure it.
 *
 * Throws `BrokerRefusal` if it exists with other properties, and the broker's error if the permission is missing.
 */
export async function requireExchange(
  { scratch }: ChannelSession,
  name: string,
  type: ExchangeType,
): Promise<void> {
  try {
    await scratch((declaring) => declaring.assertExchange(name, type, { durable: true }));
  } catch (error) {
    throw mismatchOf(error, `exchange ${name}`, `durable ${type} exchange`);
  }
}

/** Turns the error of a declaration that differs from what exists into a `BrokerRefusal`. Returns other errors as is. */
export function mismatchOf(error: unknown, what: string, needed: string): unknown {
  const difference = inequivalent(error);
  if (!difference) return error;
  const { argument, is = 'none', needed: value = 'none' } = difference;
  return new BrokerRefusal(
    'mismatch',
    `The ${what} exists with ${argument} ${is}, but a ${needed} is needed (${argument} ${value}): delete it, or use another vhost`,
    { cause: error },
  );
}

export interface Difference {
  argument: string;
  /** `undefined` if the argument is not set. */
  is: string | number | undefined;
  needed: string | number | undefined;
}

/**
 * Parses the broker's error for a declaration that differs from what exists, e.g. `inequivalent arg 'type' for exchange
 * 'a' in vhost '/': received 'topic' but current is 'fanout'`. Returns `undefined` for any other error.
 */
export function inequivalent(error: unknown): Difference | undefined {
  if (codeOf(error) !== 406 || !(error instanceof Error)) return undefined;
  const words = /inequivalent arg '([^']+)' .*: received (.*) but current is (.*)/.exec(error.message);
  if (!words) return undefined;
  const [, argument = '', needed = '', is = ''] = words;
  return { argument, is: valueIn(is), needed: valueIn(needed) };
}

/** Parses `'topic'`, `the value '7' of type 'byte'` or `none`. */
function valueIn(words: string): string | number | undefined {
  const [, value, type] = /'([^']*)'(?: of type '([^']*)')?/.exec(words) ?? [];
  if (value === undefined) return undefined;
  return type === undefined || type === 'longstr' ? value : Number(value);
}
