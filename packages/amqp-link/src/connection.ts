import type { Duplex } from 'node:stream';
import { withDeadline } from '@warren/timing';
import { type ChannelModel, type Connection, connect } from 'amqplib';
import { brokerUrl } from './url.js';

const closeTimeoutMs = 3_000;

export interface AmqpConnectionOptions {
  /** `amqp://` or, for TLS, `amqps://`. */
  url: string;
  /** The connection's name in the broker's management. */
  name: string;
  /** Default 10 s. */
  connectTimeoutMs?: number;
}

/** A connection that is not reopened when it is lost, for short work that fails with it. */
export interface AmqpConnection {
  readonly model: ChannelModel;
  /** Never rejects. Takes at most 3 s if the broker doesn't answer. */
  close(): Promise<void>;
}

/** Rejects if the broker cannot be reached or refuses the login; with `TypeError` if `url` is not an AMQP URL. */
export async function openConnection(options: AmqpConnectionOptions): Promise<AmqpConnection> {
  const { name, connectTimeoutMs = 10_000 } = options;
  const model = await dial(brokerUrl(options.url, 10), name, connectTimeoutMs);
  // Without a listener the error would end the process. The operations that it interrupts reject.
  model.on('error', () => undefined);
  return { model, close: () => shut(model) };
}

export function dial(checkedUrl: string, name: string, timeoutMs: number): Promise<ChannelModel> {
  return connect(checkedUrl, {
    // Otherwise sending single messages takes 44 ms each: Nagle's algorithm waits for delayed acknowledgements.
    noDelay: true,
    keepAlive: true,
    timeout: timeoutMs,
    clientProperties: { connection_name: name },
  });
}

/** Closes the connection. If the broker doesn't answer within 3 s, destroys the socket. Never rejects. */
export async function shut(model: ChannelModel): Promise<void> {
  try {
    await withDeadline(model.close(), closeTimeoutMs, 'the broker did not confirm the close');
  } catch {
    // Already closed, or no answer.
    destroySocket(model);
  }
}

/**
 * amqplib only half-closes sockets. A half-closed socket to a host that doesn't answer keeps the process alive for
 * minutes. Destroying it with an error makes amqplib end the connection and its channels at once.
 */
export function destroySocket(model: ChannelModel): void {
  const connection: Connection & { stream?: Duplex } = model.connection;
  connection.stream?.destroy(new Error('connection given up'));
}
