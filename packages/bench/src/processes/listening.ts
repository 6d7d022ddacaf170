import type { FastifyInstance } from 'fastify';

/** Listens on a free port of loopback and answers which. */
export async function listenOnLoopback(app: FastifyInstance): Promise<number> {
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  return Number(address.port);
}
