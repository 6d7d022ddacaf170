import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Milliseconds that requests in progress get to finish. */
const closeTimeout = 10_000;
/** Milliseconds between two looks for connections whose last request has been answered meanwhile. */
const idleCheck = 100;

/**
 * Connections that the operating system holds until we accept them, if its own limit (`somaxconn` on Linux) isn't lower.
 * It drops any beyond that silently, and their clients try again after 1, 3 and 7 s. When all clients come back at once,
 * that would hit health checks too.
 */
const backlog = 4_096;

/** Listens and answers the port as bound. */
export async function listen(http: FastifyInstance, host: string, port: number): Promise<number> {
  await http.listen({ host, port, backlog });
  return (http.server.address() as AddressInfo).port;
}

/** Takes no new requests, lets those in progress finish, and cuts off what takes too long. */
export async function closeHttp(http: FastifyInstance): Promise<void> {
  const { server } = http;
  const cutOff = setTimeout(() => server.closeAllConnections(), closeTimeout);
  // A connection kept alive after its answer would otherwise hold the server open until it times out.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheck);
  try {
    await http.close();
  } finally {
    clearTimeout(cutOff);
    clearInterval(idle);
  }
}
