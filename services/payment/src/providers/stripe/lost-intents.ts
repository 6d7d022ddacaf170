import type Stripe from 'stripe';
import type { Operation } from '../../domain/operation.js';
import { asking, StripeCallError } from './errors.js';
import { isOf, searchFor } from './metadata.js';

/** Stripe remembers an idempotency key for 24 hours at least. @see https://docs.stripe.com/api/idempotent_requests */
const keyRememberedMs = 23 * 3_600_000;
/** How far Stripe's clock and ours may be apart, in seconds. */
const clockSkewSeconds = 300;
const listed = 100;
/** More PaymentIntents than that are not looked through. */
const mostListed = 1_000;

/**
 * The id of the PaymentIntent of a payment whose charge's answer was lost, by what it says of its origin; `undefined` where there
 * is none to be seen and a repeat with the charge's key is safe.
 *
 * The search may lag behind by minutes, and some accounts have none. While Stripe remembers the key, a repeat gets the
 * first answer again, so an empty search does no harm. After that it would be a second charge: then the list tells,
 * which doesn't lag behind.
 *
 * @throws Error where nobody can say, which is for a person to look at.
 */
export async function findLostIntent(stripe: Stripe, operation: Operation): Promise<string | undefined> {
  const keyRemembered = Date.now() - operation.createdAt.getTime() < keyRememberedMs;
  return (await search(stripe, operation)) ?? (keyRemembered ? undefined : list(stripe, operation));
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

/** No call was made after the time for which keys are remembered, so nothing of the charge is younger. */
async function list(stripe: Stripe, operation: Operation): Promise<string> {
  const from = Math.floor(operation.createdAt.getTime() / 1_000);
  const created = { gte: from - clockSkewSeconds, lte: from + keyRememberedMs / 1_000 + clockSkewSeconds };
  const found = await asking(async () => {
    let seen = 0;
    for await (const intent of stripe.paymentIntents.list({ created, limit: listed })) {
      if (isOf(operation, intent.metadata)) return intent.id;
      seen += 1;
      if (seen >= mostListed) return undefined;
    }
    return undefined;
  });
  if (found !== undefined) return found;
  throw new Error(
    `Stripe shows nothing of payment ${operation.paymentId} and has forgotten its key: look for it there`,
  );
}
