import { setTimeout as pause } from 'node:timers/promises';
import type { NotificationContext } from '../context.js';
import { retryDelay, worthNoTry } from '../domain/retries.js';
import { failureWord, Undeliverable } from '../providers/failures.js';
import { postponeDelivery, settleDelivery, type TakenDelivery } from '../store/delivery-queue.js';
import type { Channel } from './channel.js';

export type Dependencies = Pick<NotificationContext, 'client' | 'log'> & {
  channel: Channel;
};

/** Together far less than what a lease has left after the longest try. */
const settlingPausesMs = [500, 2_000, 5_000];

/** One try at a delivery: sent outside of any transaction, settled after. Never rejects. */
export function createAttempt({ client, log, channel }: Dependencies) {
  /** `signal` ends it early: then the delivery is free for others at once. */
  return async (delivery: TakenDelivery, sendMs: number, signal: AbortSignal): Promise<void> => {
    const { id: deliveryId, kind, attempts } = delivery;
    const about = { deliveryId, kind, attempts, channel: channel.name };
    try {
      const why = worthNoTry(attempts, { now: new Date(), giveUpAt: delivery.giveUpAt });
      if (why !== undefined) return await settle(delivery, new Undeliverable(why), signal);
      const failure = await tryOnce(delivery, Math.min(sendMs, channel.mostMs ?? sendMs), signal);
      await settle(delivery, failure, signal);
      if (failure === undefined || !signal.aborted) await learn(delivery, failure);
    } catch (error) {
      log.warn({ ...about, err: error }, 'a delivery could not be settled, its lease will run out');
    }
  };

  async function settle(delivery: TakenDelivery, failure: unknown, signal: AbortSignal): Promise<void> {
    if (failure === undefined) return settleSent(delivery, signal);
    const { id: deliveryId, kind, attempts } = delivery;
    const word = failureWord(failure);
    const about = { deliveryId, kind, attempts, channel: channel.name, failure: word };
    const delayMs = signal.aborted ? 0 : delayAfter(failure, delivery);
    if (delayMs === undefined) {
      log.warn(about, 'a delivery was given up');
      return settleDelivery(client, delivery, 'given-up', word);
    }
    log.info({ ...about, delayMs }, 'a delivery failed, to be tried again');
    await postponeDelivery(client, delivery, delayMs, word);
  }

  /** Some patience with the database: what was sent and stays unsettled is sent again when its lease ends. */
  async function settleSent(delivery: TakenDelivery, signal: AbortSignal): Promise<void> {
    for (const pauseMs of settlingPausesMs) {
      try {
        return await settleDelivery(client, delivery, 'sent');
      } catch (error) {
        const { id: deliveryId } = delivery;
        log.warn({ err: error, deliveryId, channel: channel.name }, 'what was sent could not be settled yet');
        await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
    await settleDelivery(client, delivery, 'sent');
  }

  async function learn(delivery: TakenDelivery, failure: unknown): Promise<void> {
    try {
      await channel.learn?.(delivery, failure);
    } catch (error) {
      log.warn(
        { err: error, channel: channel.name },
        'what a try told could not be kept, the next one tells it again',
      );
    }
  }

  /** What went wrong; `undefined` if it was sent. */
  async function tryOnce(delivery: TakenDelivery, sendMs: number, signal: AbortSignal): Promise<unknown> {
    const limit = new AbortController();
    const cut = () => limit.abort(signal.reason);
    signal.addEventListener('abort', cut, { once: true });
    const timer = setTimeout(() => limit.abort(tooSlow()), sendMs);
    try {
      if (signal.aborted) cut();
      // A provider that ignores the signal must not hold us either.
      await Promise.race([channel.send(delivery, limit.signal), aborted(limit.signal)]);
      return undefined;
    } catch (error) {
      return error ?? new Error('unknown');
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', cut);
    }
  }
}

function delayAfter(failure: unknown, { attempts, giveUpAt, isAwaited }: TakenDelivery): number | undefined {
  if (failure instanceof Undeliverable) return undefined;
  return retryDelay(attempts, { now: new Date(), giveUpAt, isAwaited });
}

function tooSlow(): Error {
  return Object.assign(new Error('the try took too long'), { code: 'timeout' });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
