import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { listenTo } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { stripeProvider } from '../src/providers/stripe/provider.js';
import { type Instance, inOrder, startTimeout, World } from './support/service.js';
import { StripeStandIn, secretKey, signedWebhook, webhookSecret } from './support/stripe/stand-in.js';

let world: World;
let stripe: StripeStandIn;
let service: Instance;
let heard: DomainEvent[];
/** Logged errors. */
const errors: unknown[] = [];
beforeAll(async () => {
  world = await World.create();
  stripe = await StripeStandIn.start();
  heard = await listenTo(world.bus, ['payment.refunded', 'payment.refund-failed']);
  const provider = stripeProvider({ secretKey, webhookSecret, apiUrl: stripe.url });
  const log = pino({ level: 'error' }, { write: (line) => errors.push(JSON.parse(line)) });
  service = await world.start({ provider, durations: { sweepEveryMs: 20 }, log });
}, startTimeout);
afterAll(async () => {
  await world.close();
  await stripe.close();
});
beforeEach(() => {
  stripe.fault = () => 'none';
  errors.length = 0;
});

async function deliver({ body, signature }: { body: string; signature?: string }) {
  const response = await fetch(`${service.service.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(signature && { 'stripe-signature': signature }) },
    body,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function pay(paymentMethod: string) {
  const [payer, recipient] = await world.people();
  const { body } = await service.pay(payer, recipient, { paymentMethod });
  const operation = await service.client.operation.findFirstOrThrow({ where: { paymentId: body.id } });
  const intent = stripe.account.intent(operation.reference ?? '');
  return { payer, recipient, payment: body, intent };
}

const rowOf = (id: string) => service.client.payment.findUniqueOrThrow({ where: { id } });
const openOf = (paymentId: string) =>
  service.client.operation.count({ where: { paymentId, settledAt: null } });
const callsTo = (id: string) => stripe.calls.filter(({ path }) => path.includes(id)).length;

describe('a payment through Stripe', () => {
  it('requires authentication and then the confirmation, and gives the client secret to its payer', async () => {
    const { payer, recipient, payment, intent } = await pay('pm_card_authenticationRequired');
    expect(payment).toMatchObject({ status: 'requires_action', clientSecret: intent.client_secret });
    const early = await service.http(payer, 'POST', `/payments/${payment.id}/confirm`);
    expect([early.status, early.body.status]).toEqual([200, 'requires_action']);
    stripe.account.authenticate(intent.id);
    const { body } = await service.http(payer, 'POST', `/payments/${payment.id}/confirm`);
    expect(body.status).toBe('succeeded');
    expect(await service.balance(recipient)).toBe(1250);
    const refund = await service.refund(recipient, payment.id, { amount: 50 });
    expect(refund.body.status).toBe('succeeded');
  });

  it('fails if the card is declined', async () => {
    const { payment } = await pay('pm_card_chargeDeclined');
    expect(payment).toMatchObject({ status: 'failed', failureCode: 'card_declined' });
  });
});

describe('a webhook', () => {
  it('makes the service ask about a pending charge at once, long before the next retry', async () => {
    const { payment, intent } = await pay('pm_card_processing');
    expect(payment.status).toBe('processing');
    await service.client.operation.updateMany({
      where: { paymentId: payment.id },
      data: { leasedUntil: new Date(Date.now() + 3_600_000) },
    });
    stripe.account.decide(intent.id);
    const answer = await deliver(signedWebhook('payment_intent.succeeded', intent));
    expect(answer).toEqual({ status: 200, body: { received: true } });
    await eventually(async () => expect((await rowOf(payment.id)).status).toBe('succeeded'));
    expect(await openOf(payment.id)).toBe(0);
  });

  it('is trusted only in that something happened: the service asks Stripe for the outcome', async () => {
    const { payment, intent } = await pay('pm_card_processing');
    await deliver(signedWebhook('payment_intent.succeeded', { ...intent, status: 'succeeded' }));
    const before = callsTo(intent.id);
    await eventually(() => expect(callsTo(intent.id)).toBeGreaterThan(before));
    expect((await rowOf(payment.id)).status).toBe('processing');
    stripe.account.decide(intent.id, false);
    await deliver(signedWebhook('payment_intent.payment_failed', intent));
    await eventually(async () => expect((await rowOf(payment.id)).status).toBe('failed'));
  });

  it('about a payment that Stripe canceled while it required action cancels the payment', async () => {
    const { payment, intent } = await pay('pm_card_authenticationRequired');
    stripe.account.cancel(intent.id);
    await deliver(signedWebhook('payment_intent.canceled', intent));
    await eventually(async () => expect((await rowOf(payment.id)).status).toBe('canceled'));
    expect(await openOf(payment.id)).toBe(0);
  });

  it('about money for a payment that failed logs an error, because the ledger cannot record it', async () => {
    const { payment, intent } = await pay('pm_card_chargeDeclined');
    await deliver(signedWebhook('payment_intent.payment_failed', intent));
    await deliver(signedWebhook('payment_intent.succeeded', (await pay('pm_card_visa')).intent));
    expect(errors).toEqual([]);
    await deliver(signedWebhook('payment_intent.succeeded', intent));
    expect(errors).toEqual([expect.objectContaining({ paymentId: payment.id, status: 'failed' })]);
  });

  it('about a pending refund that succeeded settles the refund', async () => {
    const { recipient, payment } = await pay('pm_card_pendingRefund');
    const { body } = await service.refund(recipient, payment.id, { amount: 250 });
    expect(body.status).toBe('pending');
    const [refund] = stripe.account.refundsOf((await reference(payment.id)) ?? '');
    stripe.account.decideRefund(refund?.id ?? '', true);
    await deliver(signedWebhook('refund.updated', refund));
    await eventually(async () => expect(Number((await rowOf(payment.id)).amountRefunded)).toBe(250));
    expect(await service.balance(recipient)).toBe(1000);
  });

  it('about a refund that failed after it succeeded reverses the refund and tells the payer and other services', async () => {
    const { payer, recipient, payment } = await pay('pm_card_visa');
    const { body } = await service.refund(recipient, payment.id);
    expect([body.status, await service.balance(recipient)]).toEqual(['succeeded', 0]);
    const [refund] = stripe.account.refundsOf((await reference(payment.id)) ?? '');
    stripe.account.decideRefund(refund?.id ?? '', false);
    await deliver(signedWebhook('refund.failed', refund));
    await eventually(async () => expect(await service.balance(recipient)).toBe(1250));
    const { body: list } = await service.http(recipient, 'GET', `/payments/${payment.id}/refunds`);
    expect(list.items).toMatchObject([{ id: body.id, status: 'failed' }]);
    expect((await service.feed(payer)).at(-1)?.data).toMatchObject({ amountRefunded: 0, version: 4 });
    await eventually(() =>
      expect(inOrder(heard, payment.id).map(({ type }) => type)).toEqual([
        'payment.refunded',
        'payment.refund-failed',
      ]),
    );
    expect((await service.refund(recipient, payment.id)).body.status).toBe('succeeded');
  });

  it('leads to the same result in any order, repeated and late', async () => {
    const { payer, recipient, payment, intent } = await pay('pm_card_processing');
    stripe.account.decide(intent.id);
    await deliver(signedWebhook('payment_intent.succeeded', intent));
    await eventually(async () => expect((await rowOf(payment.id)).status).toBe('succeeded'));
    await service.refund(recipient, payment.id, { amount: 100 });
    const [refund] = stripe.account.refundsOf(intent.id);
    const types = ['succeeded', 'processing', 'payment_failed', 'canceled', 'created'];
    const webhooks = [
      ...types.map((type) => signedWebhook(`payment_intent.${type}`, intent)),
      ...['refund.created', 'refund.updated', 'refund.failed'].map((type) => signedWebhook(type, refund)),
    ];
    const shuffled = [...webhooks, ...webhooks, ...webhooks].sort(() => Math.random() - 0.5);
    const answers = await Promise.all(shuffled.map(deliver));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await eventually(async () => expect(await openOf(payment.id)).toBe(0));
    const row = await rowOf(payment.id);
    expect([row.status, Number(row.amountRefunded), row.version]).toEqual(['succeeded', 100, 3]);
    expect(await service.feed(payer)).toHaveLength(3);
    expect(await service.balance(recipient)).toBe(1150);
  });
});

const reference = async (paymentId: string) =>
  (await service.client.operation.findFirstOrThrow({ where: { paymentId, kind: 'charge' } })).reference;

describe('a webhook about something else', () => {
  it.each([
    ['another object of the account', () => signedWebhook('customer.created', { object: 'customer' })],
    [
      'a payment that was made elsewhere',
      () => signedWebhook('payment_intent.succeeded', { object: 'payment_intent' }),
    ],
    [
      'an operation of another deployment',
      () => signedWebhook('refund.updated', { object: 'refund', metadata: { operation_id: uuidv7() } }),
    ],
    [
      'an operation id that is not a UUID',
      () => signedWebhook('refund.updated', { object: 'refund', metadata: { operation_id: "'; --" } }),
    ],
    ['no object', () => signedWebhook('x', undefined)],
  ])('is accepted and changes nothing: %s', async (_, make) => {
    expect(await deliver(make())).toEqual({ status: 200, body: { received: true } });
  });
});

describe('a webhook without a valid signature', () => {
  const about = { object: 'refund', metadata: { operation_id: uuidv7() } };
  const now = () => Math.floor(Date.now() / 1_000);

  it.each([
    ['no signature', () => ({ body: signedWebhook('refund.updated', about).body })],
    ['empty signature', () => ({ body: signedWebhook('refund.updated', about).body, signature: ' ' })],
    ['signed with another secret', () => signedWebhook('refund.updated', about, { secret: 'whsec_other' })],
    [
      'changed body',
      () => {
        const { body, signature } = signedWebhook('refund.updated', about);
        return { body: body.replace('refund', 'charge'), signature };
      },
    ],
    ['six minutes old', () => signedWebhook('refund.updated', about, { timestamp: now() - 360 })],
    [
      'changed timestamp',
      () => {
        const { body, signature } = signedWebhook('refund.updated', about, { timestamp: now() - 360 });
        return { body, signature: signature.replace(/t=\d+/, `t=${now()}`) };
      },
    ],
  ])('is refused: %s', async (_, make) => {
    const answer = await deliver(make());
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-signature']);
  });

  it('is refused before it is parsed if it is too large', async () => {
    const { signature } = signedWebhook('refund.updated', about);
    const answer = await deliver({ body: 'x'.repeat(300 * 1024), signature });
    expect([answer.status, answer.body.code]).toEqual([413, 'payload-too-large']);
  });
});
