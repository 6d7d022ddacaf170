import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { PaymentProvider } from '../src/providers/provider.js';
import { StripeCallError } from '../src/providers/stripe/errors.js';
import { stripeProvider } from '../src/providers/stripe/provider.js';
import { charge, hoursAgo } from './support/stripe/charges.js';
import { StripeStandIn, secretKey, webhookSecret } from './support/stripe/stand-in.js';

const signal = new AbortController().signal;

let stripe: StripeStandIn;
let provider: PaymentProvider;
beforeAll(async () => {
  stripe = await StripeStandIn.start();
  provider = stripeProvider({ secretKey, webhookSecret, apiUrl: stripe.url });
});
afterAll(() => stripe.close());
beforeEach(() => {
  stripe.fault = () => 'none';
  stripe.searchSees = true;
  stripe.hasSearch = true;
});

describe('a charge at Stripe', () => {
  it('whose answer was lost is found by its metadata, or by its idempotency key if the search lags behind', async () => {
    const operation = charge('pm_card_visa');
    stripe.fault = () => 'cut-after';
    await expect(provider.perform(operation, signal)).rejects.toThrow(StripeCallError);
    stripe.fault = () => 'none';
    const { moved } = stripe.account;
    const found = await provider.retrieve(operation, signal);
    expect(found).toEqual({ to: 'succeeded', reference: expect.any(String) });
    stripe.searchSees = false;
    expect(await provider.retrieve(operation, signal)).toBeUndefined();
    expect(await provider.perform(operation, signal)).toEqual(found);
    expect(stripe.account.moved).toBe(moved);
  });

  it('that the search does not find is repeated only while Stripe remembers its idempotency key', async () => {
    const [known, unknown] = [charge('pm_card_visa'), charge('pm_card_visa')];
    const done = await provider.perform(known, signal);
    for (const [hasSearch, searchSees] of [
      [true, false],
      [false, true],
    ] as const) {
      Object.assign(stripe, { hasSearch, searchSees });
      expect(await provider.retrieve(unknown, signal)).toBeUndefined();
      // 23 hours later, Stripe may have forgotten the key.
      const late = { createdAt: hoursAgo(23) };
      expect(await provider.retrieve({ ...known, ...late }, signal)).toEqual(done);
      expect(await provider.retrieve({ ...unknown, ...late }, signal)).toEqual({
        to: 'failed',
        failureCode: 'charge_lost',
      });
    }
  });

  it('is searched first in the hour when it was probably made, however many came later', async () => {
    stripe.searchSees = false;
    const [early, lost] = [charge('pm_card_visa'), charge('pm_card_visa')];
    const done = await provider.perform(early, signal);
    const hour = 3_600;
    const startedAt = Math.floor(hoursAgo(30).getTime() / 1_000);
    Object.assign(stripe.account.intent(done.reference ?? ''), { created: startedAt + 60 });
    const template = stripe.account.intent(
      (await provider.perform(charge('pm_card_visa'), signal)).reference ?? '',
    );
    for (let n = 0; n < 1_001; n += 1) {
      const id = `pi_later_${n}`;
      stripe.account.intents.set(id, { ...template, id, created: startedAt + 5 * hour, metadata: {} });
    }
    const createdAt = hoursAgo(30);
    expect(await provider.retrieve({ ...early, createdAt }, signal)).toEqual(done);
    // Not all PaymentIntents are searched, so it remains unknown whether there is one.
    await expect(provider.retrieve({ ...lost, createdAt }, signal)).rejects.toThrow('forgotten its key');
  });

  it('that never arrived is not found at Stripe', async () => {
    expect(await provider.retrieve(charge('pm_card_visa'), signal)).toBeUndefined();
  });
});
