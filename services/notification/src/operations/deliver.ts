import { setTimeout as pause } from 'node:timers/promises';
import { aborted } from '@warren/timing';
import type { NotificationContext } from '../context.js';
import type { TakenDelivery } from '../domain/delivery.js';
import { fairShare } from '../domain/fair-share.js';
import { reasonToGiveUp, retryDelay } from '../domain/retries.js';
import { failureCode, Undeliverable } from '../providers/failures.js';
import { postponeDelivery, settleDelivery, takeDeliveries } from '../store/delivery-queue.js';
import type { Channel } from './channels.js';

/** How long things may take, in milliseconds. */
export interface DeliveryTiming {
  /** A try is given up after this long. */
  sendMs: number;
  /** Covers a try and settling the delivery. After this, another process may take the delivery. */
  leaseMs: number;
  /** How often the queues of deliveries and of deferred events are read. */
  pollMs: number;
  /** When the service stops, tries under way may go on for this long. */
  stopMs: number;
}

export const defaultTiming: DeliveryTiming = {
  sendMs: 30_000,
  leaseMs: 60_000,
  pollMs: 1_000,
  stopMs: 5_000,
};

/** Milliseconds between tries to settle a sent delivery. Together much less than the rest of the lease. */
const settlingPausesMs = [500, 2_000, 5_000];

type Dependencies = Pick<NotificationContext, 'client' | 'log'> & {
  channel: Channel;
  timing: Pick<DeliveryTiming, 'sendMs' | 'leaseMs'>;
};

/** The deliveries of one channel. */
export interface Deliveries {
  /** Takes deliveries that are due, at most `limit`, in fair shares with those under way. Never rejects. */
  take(limit: number, underWay: Iterable<TakenDelivery>): Promise<TakenDelivery[]>;
  /**
   * Tries once to send a delivery, outside any transaction, and settles or postpones it. `signal` ends the try early,
   * and the delivery is then due again at once. Never rejects.
   */
  deliver(delivery: TakenDelivery, signal: AbortSignal): Promise<void>;
}

export function createDeliveries({ client, log, channel, timing }: Dependencies): Deliveries {
  const sendMs = Math.min(timing.sendMs, channel.sendMs ?? timing.sendMs);

  async function settle(delivery: TakenDelivery, failure: unknown, signal: AbortSignal): Promise<void> {
    if (failure === undefined) return settleSent(delivery, signal);
    const { id: deliveryId, kind, attempts } = delivery;
    const code = failureCode(failure);
    const about = { deliveryId, kind, attempts, channel: channel.name, failure: code };
    const delayMs = signal.aborted ? 0 : delayAfter(failure, delivery);
    if (delayMs === undefined) {
      log.warn(about, 'a delivery was given up');
      return settleDelivery(client, delivery, 'given-up', code);
    }
    log.info({ ...about, delayMs }, 'a delivery failed; it will be tried again');
    await postponeDelivery(client, delivery, delayMs, code);
  }

  /** Tries several times, because a sent delivery that stays unsettled is sent again when its lease ends. */
  async function settleSent(delivery: TakenDelivery, signal: AbortSignal): Promise<void> {
    for (const pauseMs of settlingPausesMs) {
      try {
        return await settleDelivery(client, delivery, 'sent');
      } catch (error) {
        const { id: deliveryId } = delivery;
        log.warn(
          { err: error, deliveryId, channel: channel.name },
          'a sent delivery could not be settled; it will be tried again',
        );
        await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
    await settleDelivery(client, delivery, 'sent');
  }

  async function recordResult(delivery: TakenDelivery, failure: unknown): Promise<void> {
    try {
      await channel.recordResult?.(delivery, failure);
    } catch (error) {
      const { id: deliveryId } = delivery;
      log.warn(
        { err: error, deliveryId, channel: channel.name },
        'the result of a try could not be recorded',
      );
    }
  }

  /** Resolves to what went wrong; `undefined` if the delivery was sent. */
  async function sendOnce(delivery: TakenDelivery, signal: AbortSignal): Promise<unknown> {
    const limit = new AbortController();
    const cut = () => limit.abort(signal.reason);
    signal.addEventListener('abort', cut, { once: true });
    const timer = setTimeout(() => limit.abort(tooSlow()), sendMs);
    try {
      if (signal.aborted) cut();
      // A provider that ignores the signal must not delay the others.
      await Promise.race([channel.send(delivery, limit.signal), aborted(limit.signal)]);
      return undefined;
    } catch (error) {
      return error ?? new Error('unknown');
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', cut);
    }
  }

  return {
    async take(limit, underWay) {
      try {
        const share = fairShare(underWay, channel.concurrency);
        return await takeDeliveries(client, channel.name, { limit, leaseMs: timing.leaseMs, share });
      } catch (error) {
        log.warn(
          { err: error, channel: channel.name },
          'deliveries could not be taken; the next poll is due',
        );
        return [];
      }
    },

    async deliver(delivery, signal) {
      const { id: deliveryId, kind, attempts, giveUpAt } = delivery;
      try {
        const reason = reasonToGiveUp(attempts, { now: new Date(), giveUpAt });
        if (reason !== undefined) return await settle(delivery, new Undeliverable(reason), signal);
        const failure = await sendOnce(delivery, signal);
        await settle(delivery, failure, signal);
        if (failure === undefined || !signal.aborted) await recordResult(delivery, failure);
      } catch (error) {
        const about = { deliveryId, kind, attempts, channel: channel.name };
        log.warn({ ...about, err: error }, 'a delivery could not be settled; its lease will end');
      }
    },
  };
}

function delayAfter(failure: unknown, { attempts, giveUpAt, isAwaited }: TakenDelivery): number | undefined {
  if (failure instanceof Undeliverable) return undefined;
  return retryDelay(attempts, { now: new Date(), giveUpAt, isAwaited });
}

function tooSlow(): Error {
  return Object.assign(new Error('the try took too long'), { code: 'timeout' });
}
