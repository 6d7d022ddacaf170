import type { ReplayCompleted, ReplayRequested } from '@warren/contracts';
import { serviceOf } from '@warren/contracts';
import type { EventHandler, RawClient } from '../api.js';
import { acceptRequest } from './jobs.js';

/**
 * How requests for replays, and word of their end, enter a service: like any event, by the inbox and in a
 * transaction. `snapshotTypes`: what this service can send as snapshots; for other types it reads its outbox.
 */
export function replayHandlers(snapshotTypes: readonly string[]): EventHandler<RawClient>[] {
  return [
    {
      kind: 'react',
      type: 'replay-requested',
      async handle(tx, event) {
        const { replayId, types, lostSince } = event.data as ReplayRequested;
        const consumer = serviceOf(event.type);
        if (lostSince !== undefined) {
          await acceptRequest(tx, { id: replayId, consumer, source: 'outbox', types, lostSince });
          return;
        }
        const snapshots = types.filter((type) => snapshotTypes.includes(type));
        await acceptRequest(tx, {
          id: replayId,
          consumer,
          source: snapshots.length > 0 ? 'snapshot' : 'outbox',
          types: snapshots.length > 0 ? snapshots : types,
        });
      },
    },
    {
      kind: 'react',
      type: 'replay-completed',
      async handle(tx, event) {
        const { replayId, lostSince } = event.data as ReplayCompleted;
        const table = lostSince === undefined ? 'copy' : 'recovery';
        await tx.$queryRawUnsafe(
          `UPDATE messaging.${table} SET completed_at = now() WHERE replay_id = $1::uuid AND source = $2
          RETURNING source`,
          replayId,
          serviceOf(event.type),
        );
      },
    },
  ];
}
