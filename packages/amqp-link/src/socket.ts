import type { Duplex } from 'node:stream';
import type { ChannelModel, Connection } from 'amqplib';
import { within } from './within.js';

const goodbyeMs = 3_000;

/** Says goodbye to the broker; after 3 s without an answer the socket is destroyed. Never rejects. */
export async function shut(model: ChannelModel): Promise<void> {
  try {
    await within(goodbyeMs, model.close(), 'the broker did not answer the goodbye');
  } catch {
    // Closed already, or no answer: nothing is left to say to this broker.
    destroySocket(model);
  }
}

/**
 * amqplib only half-closes sockets: towards a host that has gone silent such a socket keeps the process alive for
 * minutes. The error makes amqplib end the connection and its channels at once, instead of at the next heartbeat.
 */
export function destroySocket(model: ChannelModel): void {
  const connection: Connection & { stream?: Duplex } = model.connection;
  connection.stream?.destroy(new Error('connection given up'));
}
