import type { DomainEvent } from '@warren/contracts';
import type { RawClient } from '../api.js';
import type { Schema } from '../schema/schema.js';

/** The epoch of this service's entities, as this process read it last. Events that it publishes carry it. */
export interface EntityEpoch {
  current: number;
}

/** The epoch in the snapshot of this transaction. */
export async function entityEpochIn(db: RawClient, schema: Schema): Promise<number> {
  const [meta] = await db.$queryRawUnsafe<{ epoch: number }[]>(
    `SELECT entity_epoch AS epoch FROM ${schema}.meta`,
  );
  return meta?.epoch ?? 0;
}

/** The newest epoch that was seen in the events of each source. */
export class SourceEpochs {
  readonly #known = new Map<string, number>();
  readonly #requestCopyAgain: string;

  constructor(schema: Schema) {
    this.#requestCopyAgain = requestCopyAgain(schema);
  }

  /**
   * Requests the copies again whose source began an epoch: the source was restored, and its entities that did not change
   * since have lower versions than the copies. Resolves to what `remember` needs once the transaction has committed.
   */
  async note(db: RawClient, events: readonly DomainEvent[]): Promise<ReadonlyMap<string, number>> {
    const risen = new Map<string, number>();
    for (const { source, entityepoch = 0 } of events) {
      if (entityepoch > (risen.get(source) ?? this.#known.get(source) ?? 0)) risen.set(source, entityepoch);
    }
    for (const [source, epoch] of [...risen].sort()) {
      const service = source.slice(source.lastIndexOf('/') + 1);
      await db.$queryRawUnsafe(this.#requestCopyAgain, service, epoch);
    }
    return risen;
  }

  remember(epochs: ReadonlyMap<string, number>): void {
    for (const [source, epoch] of epochs) this.#known.set(source, epoch);
  }
}

const requestCopyAgain = (schema: Schema) => `
UPDATE ${schema}.copy
SET entity_epoch = $2::int, replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL
WHERE source = $1 AND entity_epoch < $2::int
RETURNING source`;
