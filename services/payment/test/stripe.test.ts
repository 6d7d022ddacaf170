import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import type { Operation, OperationKind } from '../src/domain/operation.js';
import type { PaymentProvider } from '../src/providers/provider.js';
import { StripeCallError } from '../src/providers/stripe/errors.js';
import { stripeProvider } from '../src/providers/stripe/provider.js';
import { anOperation } from './support/payments.js';
import { charge, hoursAgo } from './support/stripe/charges.js';
import { StripeStandIn, secretKey, webhookSecret } from './support/stripe/stand-in.js';

const signal = new AbortController().signal;
/** Long enough for every answer that comes, in milliseconds. */
const timeoutMs = 10_000;

let stripe: StripeStandIn;
let provider: PaymentProvider;
beforeAll(async () => {
  stripe = await StripeStandIn.start();
});
afterAll(() => stripe.close());
beforeEach(() => {
  stripe.fault = () => 'none';
  stripe.searchSaw = {};
  provider = stripeProvider({ secretKey, webhookSecret, apiUrl: stripe.url, timeoutMs });
});

/** A follow-up of a payment that Stripe knows. */
function followUp(
  kind: OperationKind,
  paymentReference: string,
  changes: Partial<Operation> = {},
): Operation {
  return anOperation({ id: uuidv7(), kind, paymentReference, ...changes });
}

async function referenceOf(paymentMethod: string): Promise<string> {
  const { reference } = await provider.perform(charge(paymentMethod), signal);
  return reference ?? '';
}

const lastCall = () => stripe.calls.at(-1);

describe('a charge at Stripe', () => {
  it('creates a PaymentIntent that only this service can confirm, without any personal data', async () => {
    const operation = charge('pm_card_visa', { currency: 'JPY', amount: 500 });
    const outcome = await provider.perform(operation, signal);
    expect(outcome).toEqual({ to: 'succeeded', reference: expect.stringMatching(/^pi_/) });
    expect(lastCall()).toEqual({
      method: 'POST',
      path: '/payment_intents',
      idempotencyKey: operation.id,
      params: {
        amount: '500',
        currency: 'jpy',
        payment_method: 'pm_card_visa',
        allowed_payment_method_types: { 0: 'card' },
        confirm: 'true',
        confirmation_method: 'manual',
        use_stripe_sdk: 'true',
        metadata: { operation_id: operation.id, payment_id: operation.paymentId },
      },
    });
  });

  it.each([
    ['pm_card_chargeDeclined', { to: 'failed', failureCode: 'card_declined', reference: expect.any(String) }],
    ['pm_card_processing', { to: 'pending', reference: expect.any(String) }],
    ['pm_unheard', { to: 'failed', failureCode: 'resource_missing' }],
    [
      'pm_card_authenticationRequired',
      {
        to: 'requires_action',
        nextAction: { type: 'use_stripe_sdk' },
        clientSecret: expect.any(String),
        reference: expect.any(String),
      },
    ],
  ])('of %s always gets the same outcome', async (method, outcome) => {
    const operation = charge(method);
    expect(await provider.perform(operation, signal)).toEqual(outcome);
    expect(await provider.perform(operation, signal)).toEqual(outcome);
    if (method !== 'pm_unheard') expect(await provider.retrieve(operation, signal)).toEqual(outcome);
  });

  it('has its current outcome even if the search is out of date', async () => {
    const operation = charge('pm_card_visa');
    const done = await provider.perform(operation, signal);
    stripe.searchSaw = { status: 'requires_payment_method' };
    expect(await provider.retrieve(operation, signal)).toEqual(done);
  });

  it.each(['requires_payment_method', 'requires_confirmation'])(
    'in %s while Stripe still makes it is pending',
    async (status) => {
      const operation = charge('pm_card_visa');
      const { reference = '' } = await provider.perform(operation, signal);
      const intent = stripe.account.intent(reference);
      const made = { ...intent };
      Object.assign(intent, { status });
      expect(await provider.retrieve(operation, signal)).toEqual({ to: 'pending', reference });
      Object.assign(intent, made);
      expect(await provider.retrieve(operation, signal)).toEqual({ to: 'succeeded', reference });
    },
  );

  it('that stayed in its first status for hours has failed', async () => {
    const operation = charge('pm_card_visa');
    const { reference = '' } = await provider.perform(operation, signal);
    Object.assign(stripe.account.intent(reference), { status: 'requires_payment_method' });
    const old = { ...operation, createdAt: hoursAgo(2) };
    expect(await provider.retrieve(old, signal)).toMatchObject({ to: 'failed' });
  });

  it('whose payer has authenticated requires the confirmation', async () => {
    const operation = charge('pm_card_authenticationRequired');
    const { reference = '' } = await provider.perform(operation, signal);
    stripe.account.authenticate(reference);
    expect(await provider.retrieve({ ...operation, reference }, signal)).toMatchObject({
      to: 'requires_action',
      nextAction: { type: 'confirm' },
    });
  });

  it('of an amount that Stripe cannot express fails without a call', async () => {
    const before = stripe.calls.length;
    const outcome = await provider.perform(
      charge('pm_card_visa', { currency: 'KWD', amount: 1_001 }),
      signal,
    );
    expect(outcome).toEqual({ to: 'failed', failureCode: 'amount_not_supported' });
    expect(stripe.calls).toHaveLength(before);
  });
});

describe('a confirmation at Stripe', () => {
  it('requires the payer to authenticate, and then succeeds once', async () => {
    const reference = await referenceOf('pm_card_authenticationRequired');
    const operation = followUp('confirm', reference);
    expect(await provider.perform(operation, signal)).toMatchObject({ to: 'requires_action' });
    expect(await provider.retrieve(operation, signal)).toBeUndefined();
    stripe.account.authenticate(reference);
    expect(await provider.perform(operation, signal)).toEqual({ to: 'succeeded', reference });
    expect(await provider.perform(operation, signal)).toEqual({ to: 'succeeded', reference });
    expect(await provider.retrieve(operation, signal)).toEqual({ to: 'succeeded', reference });
  });

  it('fails if the bank declines it or the authentication failed', async () => {
    const declined = await referenceOf('pm_card_authenticationRequiredChargeDeclinedInsufficientFunds');
    stripe.account.authenticate(declined);
    expect(await provider.perform(followUp('confirm', declined), signal)).toEqual({
      to: 'failed',
      failureCode: 'card_declined',
      reference: declined,
    });
    const failed = await referenceOf('pm_card_authenticationRequired');
    stripe.account.authenticate(failed, false);
    expect(await provider.perform(followUp('confirm', failed), signal)).toEqual({
      to: 'failed',
      failureCode: 'payment_intent_authentication_failure',
      reference: failed,
    });
  });
});

describe('a cancelation at Stripe', () => {
  it('cancels the PaymentIntent', async () => {
    const reference = await referenceOf('pm_card_authenticationRequired');
    const operation = followUp('cancel', reference);
    expect(await provider.retrieve(operation, signal)).toBeUndefined();
    expect(await provider.perform(operation, signal)).toEqual({ to: 'canceled', reference });
    expect(await provider.retrieve(operation, signal)).toEqual({ to: 'canceled', reference });
  });

  it('that comes too late has the outcome of the payment', async () => {
    const reference = await referenceOf('pm_card_processing');
    expect(await provider.perform(followUp('cancel', reference), signal)).toEqual({
      to: 'pending',
      reference,
    });
    stripe.account.decide(reference);
    expect(await provider.perform(followUp('cancel', reference), signal)).toEqual({
      to: 'succeeded',
      reference,
    });
  });
});

describe('a refund at Stripe', () => {
  it('is made once, and is found by its metadata', async () => {
    const reference = await referenceOf('pm_card_visa');
    const operation = followUp('refund', reference, { amount: 250 });
    expect(await provider.retrieve(operation, signal)).toBeUndefined();
    stripe.fault = () => 'cut-after';
    await expect(provider.perform(operation, signal)).rejects.toThrow(StripeCallError);
    stripe.fault = () => 'none';
    const found = await provider.retrieve(operation, signal);
    expect(found).toEqual({ to: 'succeeded', reference: expect.stringMatching(/^re_/) });
    expect(await provider.perform(operation, signal)).toEqual(found);
    expect(stripe.account.refundsOf(reference)).toHaveLength(1);
  });

  it('is found among hundreds of refunds of the same payment', async () => {
    const reference = await referenceOf('pm_card_visa');
    const first = followUp('refund', reference, { amount: 1 });
    const found = await provider.perform(first, signal);
    for (let n = 0; n < 250; n += 1) stripe.account.createRefund({ payment_intent: reference, amount: '1' });
    expect(await provider.retrieve(first, signal)).toEqual(found);
  });

  it('can be pending and then fail', async () => {
    const intent = await referenceOf('pm_card_pendingRefund');
    const operation = followUp('refund', intent);
    const pending = await provider.perform(operation, signal);
    expect(pending).toMatchObject({ to: 'pending' });
    const reference = pending.reference ?? '';
    stripe.account.decideRefund(reference, false);
    expect(await provider.retrieve({ ...operation, reference }, signal)).toEqual({
      to: 'failed',
      failureCode: 'expired_or_canceled_card',
      reference,
    });
  });

  it('above the remaining amount fails with the code of Stripe', async () => {
    const reference = await referenceOf('pm_card_visa');
    await provider.perform(followUp('refund', reference), signal);
    expect(await provider.perform(followUp('refund', reference), signal)).toEqual({
      to: 'failed',
      failureCode: 'charge_already_refunded',
    });
  });
});

describe('a call to Stripe', () => {
  it.each(['busy', 'throttled', 'cut-before', 'cut-after', 'hang'] as const)(
    'leaves the outcome unknown after the fault: %s',
    async (fault) => {
      stripe.fault = () => fault;
      const hasty = { secretKey, webhookSecret, apiUrl: stripe.url, timeoutMs: 500 };
      const called = fault === 'hang' ? stripeProvider(hasty) : provider;
      for (const operation of [
        charge('pm_card_visa'),
        followUp('refund', 'pi_1'),
        followUp('cancel', 'pi_1'),
      ]) {
        await expect(called.perform(operation, signal)).rejects.toThrow(StripeCallError);
      }
    },
  );

  it('leaves the outcome unknown if Stripe rejects the API key', async () => {
    const other = stripeProvider({ secretKey: 'sk_test_other', webhookSecret, apiUrl: stripe.url });
    await expect(other.perform(charge('pm_card_visa'), signal)).rejects.toThrow('status 401');
  });

  it('reports why the connection failed', async () => {
    const apiUrl = new URL('http://127.0.0.1:1');
    const unreachable = stripeProvider({ secretKey, webhookSecret, apiUrl });
    const error = await unreachable
      .perform(charge('pm_card_visa'), signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'StripeCallError', cause: { code: 'ECONNREFUSED' } });
  });

  it('fails with an error that has no secrets', async () => {
    const reference = await referenceOf('pm_card_authenticationRequired');
    stripe.account.cancel(reference);
    const error = await provider
      .perform(followUp('refund', 'pi_unheard', { paymentReference: null }), signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    stripe.fault = () => 'busy';
    const busy = await provider.perform(charge('pm_card_visa'), signal).catch((thrown: unknown) => thrown);
    expect(JSON.stringify({ ...(busy as object), message: String(busy) })).not.toMatch(/secret|sk_test/);
  });
});
