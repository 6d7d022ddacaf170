import type { VapidKeys } from '../domain/vapid.js';
import type { NotificationDb } from './database.js';

/**
 * The keys in the database; the given ones are stored if it has none. Browsers subscribe for one key, so stored keys
 * never change, and instances that start at the same time get the same ones.
 */
export async function keepVapidKeys(db: NotificationDb, fresh: VapidKeys): Promise<VapidKeys> {
  await db.$executeRaw`
    INSERT INTO vapid_keys (public_key, private_key) VALUES (${fresh.publicKey}, ${fresh.privateKey})
    ON CONFLICT DO NOTHING`;
  const [kept] = await db.$queryRaw<VapidKeys[]>`
    SELECT public_key AS "publicKey", private_key AS "privateKey" FROM vapid_keys`;
  return kept ?? fresh;
}
