import type { PaymentDb } from './database.js';

export interface UserCopy {
  id: string;
  version: number;
  deleted: boolean;
}

/** Takes the state if it is newer than the copy's. A tombstone is the newest there can be and so stays. */
export async function keepUserCopy(db: PaymentDb, { id, version, deleted }: UserCopy): Promise<void> {
  await db.$executeRaw`
    INSERT INTO user_copies AS copy (id, version, deleted) VALUES (${id}::uuid, ${version}::int, ${deleted})
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, deleted = excluded.deleted
    WHERE copy.version < excluded.version`;
}
