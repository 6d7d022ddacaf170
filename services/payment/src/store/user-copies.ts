import type { PaymentDb } from './database.js';

export interface UserCopy {
  id: string;
  /** Epoch of the user service's entities. Each version of a higher epoch is newer than all versions of a lower one. */
  epoch: number;
  version: number;
  deleted: boolean;
}

/** Stores the state if it is newer than the copy. Within an epoch, a tombstone is the last version and stays. */
export async function keepUserCopy(db: PaymentDb, { id, epoch, version, deleted }: UserCopy): Promise<void> {
  await db.$executeRaw`
    INSERT INTO user_copies AS copy (id, epoch, version, deleted)
    VALUES (${id}::uuid, ${epoch}::int, ${version}::int, ${deleted})
    ON CONFLICT (id) DO UPDATE
    SET epoch = excluded.epoch, version = excluded.version, deleted = excluded.deleted
    WHERE (copy.epoch, copy.version) < (excluded.epoch, excluded.version)`;
}
