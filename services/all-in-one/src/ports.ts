import { createServer } from 'node:net';
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
): Promise<ReadonlyMap<string, number>> {
  const settled = new Map<string, number>();
  for (const { name, portVariable } of services) {
    const port = wanted.get(name) ?? 0;
    if (port > 0) {
      await requireFree(port, `the ${name} service`, portVariable);
      await requireFree(port + 1000, `the metrics of the ${name} service`, portVariable);
    }
    settled.set(name, port > 0 ? port : await freePort());
  }
  return settled;
}

async function requireFree(port: number, what: string, variable: string): Promise<void> {
  try {
    await bind(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const state = code === 'EACCES' ? 'may not be used by you' : 'is in use, perhaps by another Warren';
    throw new PortTaken(`Port ${port} for ${what} ${state}. Free it, or choose another with ${variable}.`);
  }
}

function freePort(): Promise<number> {
  return bind(0);
}

/** Binds for a moment, as the services will: on all addresses. */
function bind(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '0.0.0.0', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port));
    });
  });
}
