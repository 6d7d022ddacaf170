import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** From where a request comes. */
export type AddressOf = (message: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/**
 * The peer's address; behind a proxy that is trusted, the last one it names: those before it a client may have written
 * itself.
 */
export function clientAddress(trustProxy: boolean): AddressOf {
  return ({ headers, socket }) => {
    const forwarded = trustProxy ? String(headers['x-forwarded-for'] ?? '') : '';
    return forwarded.split(',').at(-1)?.trim() || (socket.remoteAddress ?? '');
  };
}

/** Makes `request.clientAddress` readable everywhere. */
export function useClientAddress(http: FastifyInstance, addressOf: AddressOf): void {
  http.decorateRequest('clientAddress', {
    getter(this: FastifyRequest): string {
      return addressOf(this.raw);
    },
  });
}

const groupsOfNetwork = 4;

/**
 * What limits count under: an IPv4 address, or the /64 of an IPv6 one, since whoever has one of its addresses has all
 * of them.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const before = head.split(':').filter((group) => group !== '');
  const after = tail?.split(':').filter((group) => group !== '') ?? [];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after].slice(0, groupsOfNetwork);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
