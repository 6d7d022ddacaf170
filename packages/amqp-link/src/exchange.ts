import type { ChannelSession } from './channel.js';

/**
 * Declares a durable exchange unless there is one of that name. Asking first spares the permission to configure
 * where operators declare the exchange themselves: with that permission a service could also delete it.
 */
export async function ensureExchange(
  { channel, scratch }: ChannelSession,
  name: string,
  type: 'topic' | 'direct' | 'fanout',
): Promise<void> {
  try {
    await scratch((asking) => asking.checkExchange(name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await channel.assertExchange(name, type, { durable: true });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404;
}
