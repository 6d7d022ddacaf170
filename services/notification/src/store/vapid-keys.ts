import type { NotificationDb } from './database.js';

export interface VapidKeys {
  publicKey: string;
  privateKey: string;
}

/**
 * The keys that this database keeps; those given become it where it has none. Subscriptions are bound to them, so they
 * stay, and instances that start at once agree.
 */
export async function keepVapidKeys(db: NotificationDb, fresh: VapidKeys): Promise<VapidKeys> {
  await db.$executeRaw`
    INSERT INTO vapid_keys (public_key, private_key) VALUES (${fresh.publicKey}, ${fresh.privateKey})
    ON CONFLICT DO NOTHING`;
  const [kept] = await db.$queryRaw<VapidKeys[]>`
    SELECT public_key AS "publicKey", private_key AS "privateKey" FROM vapid_keys`;
  return kept ?? fresh;
}
