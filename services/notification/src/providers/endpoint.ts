import { promises as dns, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Special-purpose addresses (RFC 6890): this machine, private networks, and addresses that lead nowhere. */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  special.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  special.addSubnet(network, prefix, 'ipv6');
}

/** Globally routed IPv6. It excludes the addresses that contain an IPv4 address. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !special.check(address, 'ipv4');
  return version === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/**
 * Why this service sends nothing to an endpoint that a person gave it; `undefined` if it does. Otherwise people could
 * reach internal addresses through this service. Names are looked up later, by the connection: see `publicLookup`.
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

/** Milliseconds for the first try; the second has twice as many. A whole push has 8 s. */
const lookupLimits = { timeout: 1_000, tries: 2 } as const;

/**
 * Looks up a name, and refuses it if any of its addresses isn't public. The connection itself must use it, because a
 * name may have changed since an earlier lookup.
 *
 * It asks the name servers directly, `servers` instead of the machine's. Anybody can choose the names and run the
 * servers that answer for them. While such a server is silent, the machine's own lookup would occupy one of the few
 * threads with which the whole process looks up names.
 */
export function publicLookup(servers?: readonly string[]): LookupFunction {
  return (hostname, { all }, callback) => {
    addressesOf(hostname, servers).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address)))
          callback(notPublic(), '', 0);
        else if (all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, '', 0),
    );
  };
}

/** All addresses, IPv4 first, since every machine has IPv4. Fails if there are none of either version. */
async function addressesOf(hostname: string, servers?: readonly string[]): Promise<LookupAddress[]> {
  // A resolver reads the machine's servers when it is made, and they may change.
  const resolver = new dns.Resolver(lookupLimits);
  if (servers) resolver.setServers(servers);
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  if (ipv4.status === 'rejected' && ipv6.status === 'rejected') throw ipv4.reason;
  return [...answered(ipv4, 4), ...answered(ipv6, 6)];
}

function answered(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : [];
}

function notPublic(): Error {
  return Object.assign(new Error('not a public address'), { code: 'EPRIVATE' });
}
