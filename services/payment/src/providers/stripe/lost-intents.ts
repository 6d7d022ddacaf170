import type Stripe from 'stripe';
import type { Operation } from '../../domain/operation.js';
import { asking, StripeCallError } from './errors.js';
import { isOf, searchFor } from './metadata.js';

/** Stripe remembers an idempotency key for at least 24 hours. @see https://docs.stripe.com/api/idempotent_requests */
const keyRememberedMs = 23 * 3_600_000;
/** Maximum difference between Stripe's clock and ours, in seconds. */
const clockSkewSeconds = 300;
/** Most charges are made by the first attempt or soon after it, within this many seconds. */
const soonSeconds = 3_600;
const pageSize = 100;
/** How many PaymentIntents of one period are searched. */
const mostListed = 1_000;

/**
 * What Stripe shows of a charge whose answer was lost. `unseen`: nothing, but it is safe to repeat the charge with its
 * key. `never-made`: nothing, and an earlier call can no longer create anything.
 */
export type LostIntent = { id: string } | 'unseen' | 'never-made';

/**
 * Looks for the PaymentIntent of a charge whose answer was lost, by its metadata.
 *
 * Stripe's search may lag behind by minutes, and some accounts have none. While Stripe remembers the key, a repeat gets
 * the first answer again, so an empty search does no harm. After that, a repeat would be a second charge. Then the list
 * of PaymentIntents is searched, which does not lag behind.
 *
 * @throws Error if it remains unknown; somebody must look it up at Stripe
 */
export async function findLostIntent(stripe: Stripe, operation: Operation): Promise<LostIntent> {
  const keyRemembered = Date.now() - operation.createdAt.getTime() < keyRememberedMs;
  const id = await search(stripe, operation);
  if (id !== undefined) return { id };
  return keyRemembered ? 'unseen' : list(stripe, operation);
}

async function search(stripe: Stripe, operation: Operation): Promise<string | undefined> {
  const params = { query: searchFor(operation), limit: 1 };
  try {
    const { data } = await asking(() => stripe.paymentIntents.search(params));
    return data[0]?.id;
  } catch (error) {
    if (error instanceof StripeCallError && error.isRefusal) return undefined;
    throw error;
  }
}

/**
 * No call was made after Stripe forgot the key, so the PaymentIntent is not newer than that. Stripe lists the newest
 * first, so the most likely period is listed separately.
 */
async function list(stripe: Stripe, operation: Operation): Promise<LostIntent> {
  const from = Math.floor(operation.createdAt.getTime() / 1_000);
  const soon = from + soonSeconds;
  const end = from + keyRememberedMs / 1_000 + clockSkewSeconds;
  const early = await listBetween(stripe, operation, { gte: from - clockSkewSeconds, lt: soon });
  if (typeof early === 'object') return early;
  const late = await listBetween(stripe, operation, { gte: soon, lte: end });
  if (typeof late === 'object') return late;
  if (early === 'all-seen' && late === 'all-seen') return 'never-made';
  throw new Error(
    `Stripe shows nothing of payment ${operation.paymentId} among its ${mostListed} latest of those hours and has ` +
      'forgotten its key: look for it there',
  );
}

function listBetween(
  stripe: Stripe,
  operation: Operation,
  created: Stripe.RangeQueryParam,
): Promise<{ id: string } | 'all-seen' | 'cut-off'> {
  return asking(async () => {
    let seen = 0;
    for await (const intent of stripe.paymentIntents.list({ created, limit: pageSize })) {
      if (isOf(operation, intent.metadata)) return { id: intent.id };
      seen += 1;
      if (seen >= mostListed) return 'cut-off';
    }
    return 'all-seen';
  });
}
