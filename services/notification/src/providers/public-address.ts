import { promises as dns, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Special-purpose addresses (RFC 6890): this machine, its networks, and what leads to neither. */
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

/** Of IPv6, what is globally routed. Addresses that hold an IPv4 one are elsewhere, and so are none. */
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !special.check(address, 'ipv4');
  return version === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** Milliseconds for the first try, twice as many for the second: a push as a whole has 8 s. */
const lookupLimits = { timeout: 1_000, tries: 2 } as const;

/**
 * Looks a name up and refuses it if any of its addresses isn't public. To be used by the connection itself: a name
 * that was looked up before may lead elsewhere now.
 *
 * Asks the name servers itself, `servers` in place of the machine's. Names come from strangers, and so do the servers
 * that answer for them: while one keeps silent, the machine's own look-up holds one of the few threads that the whole
 * process looks names up with.
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

/** All that were told, IPv4 first: it is what every machine has. Fails where neither kind was. */
async function addressesOf(hostname: string, servers?: readonly string[]): Promise<LookupAddress[]> {
  // A new one each time, since the servers of the machine are read when it is made, and may change.
  const resolver = new dns.Resolver(lookupLimits);
  if (servers) resolver.setServers(servers);
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  if (ipv4.status === 'rejected' && ipv6.status === 'rejected') throw ipv4.reason;
  return [...told(ipv4, 4), ...told(ipv6, 6)];
}

function told(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : [];
}

function notPublic(): Error {
  return Object.assign(new Error('not a public address'), { code: 'EPRIVATE' });
}
