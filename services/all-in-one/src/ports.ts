import { createServer } from 'node:net';
import { ConfigError } from '@warren/service-kit';
import type { HostedService } from './hosted-service.js';

/** A taken port, in words that say what to do. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/**
 * Answers each service's port, a free one where 0 is wanted. Throws `PortTaken` before anything is started when
 * one is in use, or the one above it that its metrics need.
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
    const state = code === 'EACCES' ? 'may not be used by you' : 'is in use, perhaps by another Warren';
    throw new PortTaken(`Port ${port} for ${what} ${state}. Free it, or choose another with ${variable}.`);
  }
}

/** Binds for a moment, as the services will. */
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
