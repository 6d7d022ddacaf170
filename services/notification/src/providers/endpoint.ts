import { isIP } from 'node:net';
import { isPublicAddress } from './public-address.js';

/**
 * Why nothing is sent to an endpoint that somebody gave us: else they could reach, through us, what only we can. Names
 * are looked up when they are connected to, see `publicLookup`.
 */
export function endpointRefusal(endpoint: string, allowLocal: boolean): string | undefined {
  if (!URL.canParse(endpoint)) return 'format';
  const { protocol, username, password, hostname, port } = new URL(endpoint);
  if (username || password) return 'credentials';
  if (allowLocal) return ['https:', 'http:'].includes(protocol) ? undefined : 'protocol';
  if (protocol !== 'https:') return 'protocol';
  if (port) return 'port';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) && !isPublicAddress(host)) return 'private-address';
  return /(^|\.)localhost\.?$/.test(host) ? 'private-address' : undefined;
}
