import type { IncomingMessage } from 'node:http';

/** The client as the proxy in front saw it: the last address. Those before it a client may have written itself. */
export function forwardedAddress({ headers, socket }: IncomingMessage): string {
  const forwarded = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  return forwarded || (socket.remoteAddress ?? '');
}
