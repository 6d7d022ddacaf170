import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Milliseconds that requests in progress may take to finish. */
const closeTimeout = 10_000;
/** Milliseconds between checks for connections that have become idle. */
const idleCheck = 100;

/**
 * Connections that the operating system holds until the process accepts them, unless its own limit (`somaxconn` on Linux)
 * is lower. It silently drops any beyond that, and their clients try again after 1, 3 and 7 s. If all clients reconnected
 * at once, health checks would be dropped too.
 */
const backlog = 4_096;

/** Listens, and returns the port that was bound. */
export async function listen(http: FastifyInstance, host: string, port: number): Promise<number> {
  await http.listen({ host, port, backlog });
  return (http.server.address() as AddressInfo).port;
}

/** Accepts no new requests, waits for those in progress, and ends connections that take longer than 10 s. */
export async function closeHttp(http: FastifyInstance): Promise<void> {
  const { server } = http;
  const cutOff = setTimeout(() => server.closeAllConnections(), closeTimeout);
  // Otherwise a kept-alive connection would keep the server open until it times out.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheck);
  try {
    await http.close();
  } finally {
    clearTimeout(cutOff);
    clearInterval(idle);
  }
}
