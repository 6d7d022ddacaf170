import type { NotificationDb } from './database.js';

/** A subscription that was sent to; one that was renewed since, with other keys, is another one. */
export interface SentTo {
  id: string;
  p256dh: string;
  auth: string;
}

/** So many failures in a row end a subscription. */
const mostFailures = 10;
/** A failure this soon after one that was counted counts with it: what ends a subscription lasts for over a week. */
const apartMinutes = 20 * 60;

/** It has taken a push: no more on trial. Writes nothing where that is known. */
export async function subscriptionWorked(db: NotificationDb, { id, p256dh, auth }: SentTo): Promise<void> {
  await db.$executeRaw`
    UPDATE push_subscriptions SET proven = true, failures = 0, failed_at = NULL
    WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth} AND (NOT proven OR failures > 0)`;
}

/** Counts the failure, and drops the subscription with the last one that it may have. */
export async function subscriptionFailed(db: NotificationDb, { id, p256dh, auth }: SentTo): Promise<void> {
  await db.$executeRaw`
    UPDATE push_subscriptions SET failures = failures + 1, failed_at = now()
    WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}
      AND (failed_at IS NULL OR failed_at <= now() - ${apartMinutes}::int * interval '1 min')`;
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}
      AND failures >= ${mostFailures}::int`;
}

/** One that its push service doesn't know any more, unless it was renewed since. */
export async function dropGoneSubscription(db: NotificationDb, { id, p256dh, auth }: SentTo): Promise<void> {
  await db.$executeRaw`
    DELETE FROM push_subscriptions WHERE id = ${id}::uuid AND p256dh = ${p256dh} AND auth = ${auth}`;
}
