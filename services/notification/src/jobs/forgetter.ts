import { type Background, rounds } from '@warren/service-kit';
import type { NotificationContext } from '../context.js';
import { forget } from '../operations/forget.js';

const everyMs = 600_000;

/** Deletes rows that nothing needs any more. */
export function forgetter({ client, log }: Pick<NotificationContext, 'client' | 'log'>): Background {
  return rounds({ name: 'forgetter', everyMs, log, round: () => forget(client) });
}
