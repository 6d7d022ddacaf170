import { type ChannelModel, connect } from 'amqplib';
import { shut } from './socket.js';
import { brokerUrl } from './url.js';

export interface AmqpConnectionOptions {
  /** `amqp://` or, for TLS, `amqps://`. */
  url: string;
  /** How the connection shows at the broker. */
  name: string;
  /** Default 10 s. */
  connectTimeoutMs?: number;
}

/** One connection that does not come back by itself: for short work that shall be told when it fails. */
export interface AmqpConnection {
  readonly model: ChannelModel;
  /** Never rejects; at most some seconds where the broker doesn't answer. */
  close(): Promise<void>;
}

/** Rejects if the broker can't be reached or refuses; `TypeError` for a URL that can't be one of a broker. */
export async function openConnection(options: AmqpConnectionOptions): Promise<AmqpConnection> {
  const { name, connectTimeoutMs = 10_000 } = options;
  const model = await dial(brokerUrl(options.url, 10), name, connectTimeoutMs);
  // Whatever is under way is told; without a listener the error would end the process.
  model.on('error', () => undefined);
  return { model, close: () => shut(model) };
}

export function dial(checkedUrl: string, name: string, timeoutMs: number): Promise<ChannelModel> {
  return connect(checkedUrl, {
    // Without it one message at a time takes 44 ms: Nagle's algorithm against delayed acknowledgements.
    noDelay: true,
    keepAlive: true,
    timeout: timeoutMs,
    clientProperties: { connection_name: name },
  });
}
