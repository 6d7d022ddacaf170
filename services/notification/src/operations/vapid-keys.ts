import type { NotificationContext } from '../context.js';
import type { VapidKeys } from '../domain/vapid.js';
import { configuredVapidKeys, generateVapidKeys } from '../providers/vapid.js';
import { keepVapidKeys } from '../store/vapid-keys.js';

/**
 * The configured keys, or else those in the database, which are generated once.
 *
 * @throws TypeError if only one of the keys is configured
 */
export async function vapidKeys({
  config,
  client,
}: Pick<NotificationContext, 'config' | 'client'>): Promise<VapidKeys> {
  return configuredVapidKeys(config) ?? (await keepVapidKeys(client, generateVapidKeys()));
}
