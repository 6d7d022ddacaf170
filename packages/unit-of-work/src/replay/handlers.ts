import { type ReplayCompleted, type ReplayRequested, replayMessages, serviceOf } from '@warren/contracts';
import type { EventHandler, RawClient } from '../api.js';
import { handler } from '../handlers.js';
import type { Schema } from '../schema/schema.js';
import { acceptRequest } from './jobs.js';

/**
 * Handlers of requests for replays and of their completion. These messages arrive like any event, through the inbox.
 * `snapshotTypes`: the types that this service sends as snapshots; for other types it reads its outbox.
 */
export function replayHandlers(schema: Schema, snapshotTypes: readonly string[]): EventHandler<RawClient>[] {
  const requested = replayMessages['replay-requested'];
  const completed = replayMessages['replay-completed'];
  return [
    handler<RawClient, string, ReplayRequested>('react', 'replay-requested', requested, {
      async handle(tx, event) {
        const { replayId, types, lostSince } = event.data;
        const consumer = serviceOf(event.type);
        if (lostSince !== undefined) {
          await acceptRequest(tx, schema, { id: replayId, consumer, source: 'outbox', types, lostSince });
          return;
        }
        const snapshots = types.filter((type) => snapshotTypes.includes(type));
        await acceptRequest(tx, schema, {
          id: replayId,
          consumer,
          source: snapshots.length > 0 ? 'snapshot' : 'outbox',
          types: snapshots.length > 0 ? snapshots : types,
        });
      },
    }),
    handler<RawClient, string, ReplayCompleted>('react', 'replay-completed', completed, {
      async handle(tx, event) {
        const { replayId, lostSince } = event.data;
        const table = lostSince === undefined ? 'copy' : 'recovery';
        await tx.$queryRawUnsafe(
          `UPDATE ${schema}.${table} SET completed_at = now() WHERE replay_id = $1::uuid AND source = $2
          RETURNING source`,
          replayId,
          serviceOf(event.type),
        );
      },
    }),
  ];
}
