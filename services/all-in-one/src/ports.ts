import { createServer } from 'node:net';
import { ConfigError } from '@warren/service-kit';
import type { HostedService } from './services.js';

/** A port is in use. The message says what to do. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/**
 * Returns the port of each service, a free one where 0 is wanted. Throws `PortTaken` if a port is in use, or the one 1000
 * above it, which the metrics need.
 */
export async function settlePorts(
  services: readonly Pick<HostedService, 'name' | 'portVariable'>[],
  wanted: ReadonlyMap<string, number>,
  host: string,
): Promise<ReadonlyMap<string, number>> {
  const settled = new Map<string, number>();
  for (const { name, portVariable } of services) {
    const port = wanted.get(name) ?? 0;
    if (port > 0) {
      await requireFree(host, port, `the ${name} service`, portVariable);
      await requireFree(host, port + 1000, `the metrics of the ${name} service`, portVariable);
    }
    settled.set(name, port > 0 ? port : await bind(host, 0));
  }
  return settled;
}

async function requireFree(host: string, port: number, what: string, variable: string): Promise<void> {
  try {
    await bind(host, port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const state = code === 'EACCES' ? 'is not open to this user' : 'is in use, perhaps by another Warren';
    throw new PortTaken(`Port ${port} for ${what} ${state}. Free it, or choose another with ${variable}.`);
  }
}

/** Binds the port for a moment, as the services will. Resolves to its number. */
function bind(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const noSuchAddress = error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND';
      reject(noSuchAddress ? new ConfigError([`HOST: this machine has no address ${host}`]) : error);
    });
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}
