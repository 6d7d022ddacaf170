import { type Background, rounds } from '@warren/service-kit';
import type { NotificationContext } from '../context.js';
import { forgetDeliveries } from '../store/delivery-queue.js';
import { forgetRevokedSessions } from '../store/revoked-sessions.js';

const everyMs = 600_000;
/** Longer than the inbox knows an event: until then a repeat finds what was made of it. */
const keptDays = 30;
const atOnce = 1_000;

/** Forgets deliveries that were settled long ago, and revoked sessions that nobody has a token of any more. */
export function forgetter({ client, log }: Pick<NotificationContext, 'client' | 'log'>): Background {
  return rounds({
    name: 'forgetter',
    everyMs,
    log,
    async round() {
      const forgotten = [
        await forgetDeliveries(client, keptDays, atOnce),
        await forgetRevokedSessions(client, atOnce),
      ];
      return forgotten.some((count) => count === atOnce);
    },
  });
}
