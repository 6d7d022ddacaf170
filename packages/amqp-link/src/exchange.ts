import type { ChannelSession } from './channel.js';
import { BrokerRefusal, codeOf } from './refusal.js';

export type ExchangeType = 'topic' | 'direct' | 'fanout';

/** Whether there is an exchange of that name, of whatever kind. Needs no permission. */
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
 * Declares a durable exchange unless there is one of that name, of whatever kind: see `requireExchange`. Asking first
 * spares the permission to configure where operators declare the exchange themselves: with that permission a service
 * could also delete it.
 *
 * Throws `BrokerRefusal` if there is none and the user may not declare it.
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
    const missing = `There is no exchange ${name}, and this user may not declare it: a durable ${type} exchange is needed`;
    throw new BrokerRefusal('forbidden', missing, { cause: error });
  }
}

/**
 * Declares a durable exchange of this type, or demands that it is one. Needs the permission to configure it.
 *
 * Throws `BrokerRefusal` with what is and what is needed, and what the broker says of a missing permission.
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

/** The refusal of a declaration that differs from what exists; any other error as it is. */
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
  /** Undefined where it is not set. */
  is: string | number | undefined;
  needed: string | number | undefined;
}

/**
 * What a 406 says of a declaration, e.g. `inequivalent arg 'type' for exchange 'a' in vhost '/': received 'topic' but
 * current is 'fanout'`. Undefined for anything else.
 */
export function inequivalent(error: unknown): Difference | undefined {
  if (codeOf(error) !== 406 || !(error instanceof Error)) return undefined;
  const words = /inequivalent arg '([^']+)' .*: received (.*) but current is (.*)/.exec(error.message);
  if (!words) return undefined;
  const [, argument = '', needed = '', is = ''] = words;
  return { argument, is: valueIn(is), needed: valueIn(needed) };
}

/** Of `'topic'`, `the value '7' of type 'byte'` or `none`. */
function valueIn(words: string): string | number | undefined {
  const [, value, type] = /'([^']*)'(?: of type '([^']*)')?/.exec(words) ?? [];
  if (value === undefined) return undefined;
  return type === undefined || type === 'longstr' ? value : Number(value);
}
