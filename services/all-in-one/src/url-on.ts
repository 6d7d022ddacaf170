import { isIPv6 } from 'node:net';

const everyAddress = new Set(['0.0.0.0', '::']);

/** The URL by which this machine reaches a listener bound to `host`; `local` names the machine itself. */
export function urlOn(host: string, port: number | undefined, local: 'localhost' | '127.0.0.1'): string {
  const name = everyAddress.has(host) || host === '127.0.0.1' ? local : isIPv6(host) ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
