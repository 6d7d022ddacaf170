import type Stripe from 'stripe';
import type { Operation } from '../../domain/operation.js';
import { asking, StripeCallError } from './errors.js';
import { isOf, searchFor } from './metadata.js';

/** Stripe remembers an idempotency key for 24 hours at least. @see https://docs.stripe.com/api/idempotent_requests */
const keyRememberedMs = 23 * 3_600_000;
/** How far Stripe's clock and ours may be apart, in seconds. */
const clockSkewSeconds = 300;
/** Most charges are made with the first try, or soon after. */
const soonSeconds = 3_600;
const listed = 100;
/** More PaymentIntents of one stretch of time than that are not looked through. */
const mostListed = 1_000;

/**
 * What is to be seen of a charge whose answer was lost. `unseen`: nothing, and a repeat with the charge's key is safe.
 * `never-made`: nothing came of it, and nothing can any more.
 */
export type LostIntent = { id: string } | 'unseen' | 'never-made';

/**
 * Looks for the PaymentIntent of a payment whose charge's answer was lost, by what it says of its origin.
 *
 * The search may lag behind by minutes, and some accounts have none. While Stripe remembers the key, a repeat gets the
 * first answer again, so an empty search does no harm. After that it would be a second charge: then the list tells,
 * which doesn't lag behind.
 *
 * @throws Error where nobody can say, which is for a person to look at.
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
 * No call was made after the time for which keys are remembered, so nothing of the charge is younger. Stripe lists the
 * youngest first, so the likeliest stretch gets a list of its own.
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
    for await (const intent of stripe.paymentIntents.list({ created, limit: listed })) {
      if (isOf(operation, intent.metadata)) return { id: intent.id };
      seen += 1;
      if (seen >= mostListed) return 'cut-off';
    }
    return 'all-seen';
  });
}
