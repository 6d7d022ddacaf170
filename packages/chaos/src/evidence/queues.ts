import { connect } from 'amqplib';
import type { Letter } from './evidence.js';

interface ListedQueue {
  name: string;
  type?: string;
}

/** The number of messages in each quorum queue. */
export async function readQueues(brokerUrl: string, management: string): Promise<Record<string, number>> {
  const names = await queueNames(management);
  const connection = await connect(brokerUrl, { timeout: 10_000 });
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    const counts: Record<string, number> = {};
    for (const name of names) counts[name] = (await channel.checkQueue(name)).messageCount;
    return counts;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

export const isDead = (queue: string) => queue.endsWith('.dead');
export const isRetry = (queue: string) => queue.includes('.retry.');

/** Takes all messages out of these queues. The broker can't be used for the run after that. */
export async function takeLetters(brokerUrl: string, queues: readonly string[]): Promise<Letter[]> {
  const connection = await connect(brokerUrl, { timeout: 10_000 });
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createChannel();
    const letters: Letter[] = [];
    for (const queue of queues) {
      for (;;) {
        const message = await channel.get(queue, { noAck: true });
        if (!message) break;
        const { messageId, type, headers } = message.properties;
        letters.push({
          queue,
          messageId: String(messageId ?? ''),
          type: String(type ?? message.fields.routingKey),
          reason: String(headers?.['x-warren-reason'] ?? ''),
          error: String(headers?.['x-warren-error'] ?? ''),
          body: message.content.toString('utf8'),
        });
      }
    }
    return letters;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/** The names of the quorum queues. The sockets' queues are no quorum queues and come and go with their nodes. */
async function queueNames(management: string): Promise<string[]> {
  const { origin, username, password } = new URL(management);
  const response = await fetch(`${origin}/api/queues?columns=name,type`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`RabbitMQ's management API answers ${response.status}`);
  const queues = (await response.json()) as ListedQueue[];
  return queues.filter(({ type }) => type === 'quorum').map(({ name }) => name);
}
