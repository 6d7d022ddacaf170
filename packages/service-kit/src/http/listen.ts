import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Milliseconds that requests in progress get to finish. */
const closeTimeout = 10_000;

/** Listens and answers the port as bound. */
export async function listen(http: FastifyInstance, host: string, port: number): Promise<number> {
  await http.listen({ host, port });
  return (http.server.address() as AddressInfo).port;
}

/** Takes no new requests, lets those in progress finish, and cuts off what takes too long. */
export async function closeHttp(http: FastifyInstance): Promise<void> {
  const cutOff = setTimeout(() => http.server.closeAllConnections(), closeTimeout);
  try {
    await http.close();
  } finally {
    clearTimeout(cutOff);
  }
}
