import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

/** Returns the address that a request comes from. */
export type AddressOf = (message: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/**
 * The address of the peer, or with `trustProxy` the last one in `X-Forwarded-For`: the proxy adds that one, and a client
 * may have written those before it.
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

/**
 * The key that limits count an address under: an IPv4 address itself, or the /64 network of an IPv6 address, since whoever
 * has one address of a /64 usually has all of them. Text that is not an address is returned as it is.
 */
export function networkOf(address: string): string {
  // A zone, such as `%eth0`, names an interface of this machine. ipaddr.js doesn't know all zones that Node does.
  const [plain = ''] = address.split('%');
  if (!isIP(plain)) return address;
  const parsed = ipaddr.process(plain);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}
