import { randomUUID } from 'node:crypto';
import { within } from '@warren/amqp-link';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Own } from '../messages.js';
import { answerMs } from './channels.js';
import { type DeadLetterMessage, deadLetterOf } from './dead-letter.js';
import { OperatorError } from './error.js';

export interface HoldOptions {
  /**
   * Most letters that are looked at, and so taken from the queue meanwhile; up to 65,535. What is given back comes
   * behind what was given back before, so order stays only where this is no less than what waits.
   */
  scan: number;
  /** Most letters that are kept. */
  limit: number;
  /** Which letters to keep. Default: all. */
  keep?: (letter: DeadLetterMessage) => boolean;
  /** Most bytes of bodies that are kept; the letter that passes it is the last one kept. Default 64 MiB. */
  maxBytes?: number;
}

export interface Taken {
  messages: Map<DeadLetterMessage, ConsumeMessage>;
  looked: number;
  /** Kept ones and those that were too many. */
  matching: number;
}

export const nothingTaken = (): Taken => ({ messages: new Map(), looked: 0, matching: 0 });

/** So long nothing came although more was to come: somebody else took it. A broker may need as long as this. */
const idleMs = answerMs;
const defaultMaxBytes = 64 * 1_024 * 1_024;

/**
 * What it leaves goes back when the channel closes. The broker's limit of unacknowledged messages bounds what it
 * hands out, since nothing is settled meanwhile.
 */
export async function take(
  channel: ConfirmChannel,
  own: Own,
  { scan, limit, keep = () => true, maxBytes = defaultMaxBytes }: HoldOptions,
): Promise<Taken> {
  const taken = nothingTaken();
  // Known beforehand, since messages can come in one packet with the answer that would tell it.
  const consumerTag = `operator-${randomUUID()}`;
  let bytes = 0;
  await channel.prefetch(scan);
  await untilComplete(channel, ({ complete, failed, sign }) => {
    let done = false;
    const onMessage = (message: ConsumeMessage | null) => {
      if (done) return;
      if (!message) return failed(new OperatorError('queue-missing', 'the queue was deleted'));
      sign();
      taken.looked += 1;
      const letter = deadLetterOf(own, message);
      if (keep(letter)) {
        taken.matching += 1;
        if (taken.messages.size < limit && bytes < maxBytes) taken.messages.set(letter, message);
        bytes += letter.bytes;
      }
      done = taken.looked >= scan;
      if (done) complete();
    };
    channel.consume(own.names.deadQueue(own.service), onMessage, { consumerTag }).catch(failed);
  });
  // Settling makes room for more, which nobody would look at.
  await within(answerMs, channel.cancel(consumerTag), 'the broker did not answer');
  return taken;
}

interface Progress {
  complete(): void;
  failed(error: unknown): void;
  /** Something came: the wait for the rest begins anew. */
  sign(): void;
}

/** Resolves when complete or when nothing came for a while; rejects with the channel. */
async function untilComplete(channel: ConfirmChannel, work: (progress: Progress) => void): Promise<void> {
  let idle: NodeJS.Timeout | undefined;
  const { promise, resolve, reject } = settled();
  const lost = () => reject(new OperatorError('unreachable', 'the connection to the broker was lost'));
  channel.once('error', reject).once('close', lost);
  const sign = () => {
    clearTimeout(idle);
    idle = setTimeout(resolve, idleMs);
  };
  try {
    sign();
    work({ complete: resolve, failed: reject, sign });
    await promise;
  } finally {
    clearTimeout(idle);
    channel.removeListener('error', reject);
    channel.removeListener('close', lost);
  }
}

function settled(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
