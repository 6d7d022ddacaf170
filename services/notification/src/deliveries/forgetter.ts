import { setTimeout as pause } from 'node:timers/promises';
import type { Background, ServiceContext } from '@warren/service-kit';
import type { NotificationDb, PrismaClient } from '../store/database.js';
import { forgetDeliveries } from '../store/delivery-queue.js';

const everyMs = 600_000;
/** Longer than the inbox knows an event: until then a repeat finds what was made of it. */
const keptDays = 30;
const atOnce = 1_000;

/** Forgets deliveries that were settled long ago. */
export function deliveryForgetter({
  client,
  log,
}: Pick<ServiceContext<unknown, NotificationDb, PrismaClient>, 'client' | 'log'>): Background {
  const stopping = new AbortController();
  let forgetting: Promise<void> = Promise.resolve();

  async function forgetUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      const forgotten = await forgetDeliveries(client, keptDays, atOnce).catch((error: unknown) => {
        log.warn({ err: error }, 'old deliveries could not be forgotten, the next round is due');
        return 0;
      });
      if (forgotten < atOnce)
        await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    name: 'delivery-forgetter',
    start() {
      forgetting = forgetUntilStopped();
    },
    async stop() {
      stopping.abort();
      await forgetting;
    },
  };
}
