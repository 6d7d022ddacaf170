import { randomUUID } from 'node:crypto';
import { withDeadline } from '@warren/timing';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { ConsumerIdentity } from '../messages.js';
import { answerTimeoutMs } from './channel.js';
import { type DeadLetterMessage, deadLetterOf } from './dead-letter.js';
import { OperatorError } from './error.js';

export interface HoldOptions {
  /**
   * The letters to read, up to 65,535. They are taken from the queue meanwhile, and go to its end when they are given
   * back. So the order changes if this is less than the number of waiting letters.
   */
  scan: number;
  /** The letters to keep. */
  limit: number;
  /** Which letters to keep. Default: all. */
  keep?: (letter: DeadLetterMessage) => boolean;
  /** The bytes of bodies to keep; the letter that exceeds this is the last one kept. Default 64 MiB. */
  maxBytes?: number;
}

export interface Taken {
  messages: Map<DeadLetterMessage, ConsumeMessage>;
  looked: number;
  /** The letters that `keep` accepted, including those above the limits. */
  matching: number;
}

export const nothingTaken = (): Taken => ({ messages: new Map(), looked: 0, matching: 0 });

/** Milliseconds without a letter after which the rest is given up: another consumer has taken it. */
const idleMs = answerTimeoutMs;
const defaultMaxBytes = 64 * 1_024 * 1_024;

/**
 * Reads up to `scan` letters and keeps some of them. All others go back to the queue when the channel is closed. The
 * channel's prefetch limits what the broker delivers, since nothing is acknowledged meanwhile.
 */
export async function take(
  channel: ConfirmChannel,
  self: ConsumerIdentity,
  { scan, limit, keep = () => true, maxBytes = defaultMaxBytes }: HoldOptions,
): Promise<Taken> {
  const taken = nothingTaken();
  // Chosen here, since letters may arrive together with the answer that would contain it.
  const consumerTag = `operator-${randomUUID()}`;
  let bytes = 0;
  await channel.prefetch(scan);
  await untilComplete(channel, ({ complete, fail, progress }) => {
    let done = false;
    const onMessage = (message: ConsumeMessage | null) => {
      if (done) return;
      if (!message) return fail(new OperatorError('queue-missing', 'the queue was deleted'));
      progress();
      taken.looked += 1;
      const letter = deadLetterOf(self, message);
      if (keep(letter)) {
        taken.matching += 1;
        if (taken.messages.size < limit && bytes < maxBytes) taken.messages.set(letter, message);
        bytes += letter.bytes;
      }
      done = taken.looked >= scan;
      if (done) complete();
    };
    channel.consume(self.names.deadQueue(self.service), onMessage, { consumerTag }).catch(fail);
  });
  // Otherwise the broker would deliver more whenever a letter is settled.
  await withDeadline(channel.cancel(consumerTag), answerTimeoutMs, 'the broker did not answer');
  return taken;
}

interface Reading {
  complete(): void;
  fail(error: unknown): void;
  /** Restarts the wait for the next letter. */
  progress(): void;
}

/** Resolves when the reading is complete, or without progress for `idleMs`; rejects if the channel is lost. */
async function untilComplete(channel: ConfirmChannel, start: (reading: Reading) => void): Promise<void> {
  let idle: NodeJS.Timeout | undefined;
  let onError: (error: Error) => void = () => undefined;
  let onClose: () => void = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onError = reject;
      onClose = () => reject(new OperatorError('unreachable', 'the connection to the broker was lost'));
      channel.once('error', onError).once('close', onClose);
      const progress = () => {
        clearTimeout(idle);
        idle = setTimeout(resolve, idleMs);
      };
      progress();
      start({ complete: resolve, fail: reject, progress });
    });
  } finally {
    clearTimeout(idle);
    channel.removeListener('error', onError);
    channel.removeListener('close', onClose);
  }
}
