import type { DomainEvent } from '@warren/contracts';
import type { RawClient } from '../api.js';

/** The epoch of this service's entities as this process last read it; the events that it publishes bear it. */
export interface EntityEpoch {
  current: number;
}

/** As the transaction has it. */
export async function entityEpochIn(db: RawClient): Promise<number> {
  const [meta] = await db.$queryRawUnsafe<{ epoch: number }[]>(
    'SELECT entity_epoch AS epoch FROM messaging.meta',
  );
  return meta?.epoch ?? 0;
}

/** Which sources of copies were heard in which epoch of their entities. */
export class SourceEpochs {
  readonly #known = new Map<string, number>();

  /**
   * Asks anew for each copy whose source has begun an epoch: it was restored, and what it says of the entities that
   * didn't change since is lower than what the copy holds. Answers what to `remember` once the transaction committed.
   */
  async note(db: RawClient, events: readonly DomainEvent[]): Promise<ReadonlyMap<string, number>> {
    const risen = new Map<string, number>();
    for (const { source, entityepoch = 0 } of events) {
      if (entityepoch > (risen.get(source) ?? this.#known.get(source) ?? 0)) risen.set(source, entityepoch);
    }
    for (const [source, epoch] of [...risen].sort()) {
      await db.$queryRawUnsafe(askAnew, source.slice(source.lastIndexOf('/') + 1), epoch);
    }
    return risen;
  }

  remember(epochs: ReadonlyMap<string, number>): void {
    for (const [source, epoch] of epochs) this.#known.set(source, epoch);
  }
}

const askAnew = `
UPDATE messaging.copy
SET entity_epoch = $2::int, replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL
WHERE source = $1 AND entity_epoch < $2::int
RETURNING source`;
