import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Milliseconds that requests in progress get to finish. */
const closeTimeout = 10_000;
/** Milliseconds between two looks for connections whose last request has been answered meanwhile. */
const idleCheck = 100;

/**
 * Connections that the system keeps for us until we take them, as far as it lets us. Beyond that it drops them without a
 * word, and clients try again after one, three and seven seconds: where all come back at once, health checks too.
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
