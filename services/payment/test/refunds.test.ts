import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import { deletedEvent, listenTo } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { sandboxProvider } from '../src/providers/sandbox.js';
import { type Answer, type Instance, inOrder, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
let heard: DomainEvent[];
beforeAll(async () => {
  world = await World.create();
  heard = await listenTo(world.bus, ['payment.refunded', 'payment.refund-failed']);
  service = await world.start();
}, startTimeout);
afterAll(() => world.close());

async function paid(changes: Record<string, unknown> = {}) {
  const [payer, recipient] = await world.people();
  const { body } = await service.pay(payer, recipient, changes);
  expect(body.status).toBe('succeeded');
  return { payer, recipient, payment: body };
}

/** Repeats a refund with the same key until its answer is final. */
async function refundUntilFinal(asker: string, paymentId: string, amount: number): Promise<Answer> {
  const key = uuidv7();
  return eventually(
    async () => {
      const answer = await service.refund(asker, paymentId, { amount }, key);
      if (answer.body.temporary === true) throw new Error(`only ${answer.body.code} so far`);
      return answer;
    },
    { within: 30_000 },
  );
}

const refundedOf = async (id: string) =>
  Number((await service.client.payment.findUniqueOrThrow({ where: { id } })).amountRefunded);

describe('POST /payments/:id/refunds', () => {
  it('refunds a part and then the rest, and tells both people and the other services', async () => {
    const { payer, recipient, payment } = await paid();
    const part = await service.refund(recipient, payment.id, { amount: 250 });
    expect(part).toEqual({
      status: 201,
      body: {
        id: expect.any(String),
        paymentId: payment.id,
        amount: 250,
        status: 'succeeded',
        createdAt: expect.any(String),
      },
    });
    const rest = await service.refund(recipient, payment.id);
    expect(rest.body).toMatchObject({ amount: 1000, status: 'succeeded' });
    for (const reader of [payer, recipient]) {
      const told = (await service.feed(reader)).slice(-2).map(({ data }) => data);
      expect(told.map(({ status, amountRefunded, version }) => [status, amountRefunded, version])).toEqual([
        ['succeeded', 250, 3],
        ['succeeded', 1250, 4],
      ]);
    }
    const events = await eventually(() => {
      const about = inOrder(heard, payment.id);
      expect(about).toHaveLength(2);
      return about;
    });
    expect(
      events.map(({ type, data }) => [type, (data as { amountRefunded: number }).amountRefunded]),
    ).toEqual([
      ['payment.refunded', 250],
      ['payment.refunded', 1250],
    ]);
    expect([await service.balance(payer), await service.balance(recipient)]).toEqual([0, 0]);
  });

  it('refuses a refund above the paid amount', async () => {
    const { recipient, payment } = await paid();
    const over = await service.refund(recipient, payment.id, { amount: 1251 });
    expect([over.status, over.body.code]).toEqual([422, 'refund-exceeds-payment']);
    await service.refund(recipient, payment.id, { amount: 1000 });
    expect((await service.refund(recipient, payment.id, { amount: 251 })).body.code).toBe(
      'refund-exceeds-payment',
    );
    expect((await service.refund(recipient, payment.id)).body.amount).toBe(250);
    expect((await service.refund(recipient, payment.id)).body.code).toBe('refund-exceeds-payment');
    expect(await refundedOf(payment.id)).toBe(1250);
  });

  it('refunds no more than was paid to two hundred concurrent requests', async () => {
    const { recipient, payment } = await paid({ amount: 1000 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => refundUntilFinal(recipient, payment.id, 30)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(33);
    const refused = answers.filter(({ status }) => status !== 201).map(({ body }) => body.code);
    expect(new Set(refused)).toEqual(new Set(['refund-exceeds-payment']));
    // A refund whose settlement fails on a busy machine is settled by the sweeper when its lease ends.
    await eventually(async () => expect(await refundedOf(payment.id)).toBe(990), { within: 60_000 });
    expect(await service.balance(recipient)).toBe(10);
  }, 120_000);

  it('is backed by a database constraint that refuses pending refunds above the paid amount', async () => {
    const { payment } = await paid();
    const raise = (amount: number) =>
      service.client
        .$executeRaw`UPDATE payments SET refunds_pending = ${amount} WHERE id = ${payment.id}::uuid`;
    await expect(raise(1251)).rejects.toThrow('payments_refunds_at_most');
    await expect(raise(-1)).rejects.toThrow('payments_refunds_at_most');
  });

  it('counts a pending refund against the paid amount', async () => {
    const provider = sandboxProvider({ slowMs: 5_000 });
    const hasty = await world.start({ provider, durations: { answerWithinMs: 50 } });
    const { payer, recipient, payment } = await paid({ paymentMethod: 'pm_card_pendingRefund' });
    const pending = await hasty.refund(recipient, payment.id, { amount: 1000 });
    expect(pending.body.status).toBe('pending');
    expect((await hasty.refund(recipient, payment.id, { amount: 251 })).body.code).toBe(
      'refund-exceeds-payment',
    );
    expect(await refundedOf(payment.id)).toBe(0);
    await eventually(async () => expect(await refundedOf(payment.id)).toBe(1000), { within: 20_000 });
    await eventually(async () => expect((await service.feed(payer)).at(-1)?.data.amountRefunded).toBe(1000));
  });

  it('releases the amount of a refund that failed, tells nobody and moves no money', async () => {
    const { payer, recipient, payment } = await paid({ paymentMethod: 'pm_card_refundFail' });
    const entries = (await service.feed(payer)).length;
    for (const _ of [1, 2]) {
      const { status, body } = await service.refund(recipient, payment.id);
      expect([status, body.status, body.amount]).toEqual([201, 'failed', 1250]);
    }
    expect(await service.feed(payer)).toHaveLength(entries);
    expect([await service.balance(payer), await service.balance(recipient)]).toEqual([0, 1250]);
  });

  it('is allowed to the recipient and to admins', async () => {
    const { payer, recipient, payment } = await paid();
    expect((await service.refund(payer, payment.id)).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await service.refund(uuidv7(), payment.id)).body).toMatchObject({
      status: 404,
      code: 'not-found',
    });
    expect((await service.refund(recipient, uuidv7())).status).toBe(404);
    const admin = await service.refund(uuidv7(), payment.id, { amount: 1 }, uuidv7(), ['admin']);
    expect(admin.body).toMatchObject({ amount: 1, status: 'succeeded' });
    await world.bus.publish(deletedEvent(recipient, 2));
    expect((await service.refund(recipient, payment.id)).body.code).toBe('session-revoked');
  });

  it('refuses to refund a payment that has not succeeded', async () => {
    const [payer, recipient] = await world.people();
    const { body } = await service.pay(payer, recipient, { paymentMethod: 'pm_card_authenticationRequired' });
    expect((await service.refund(recipient, body.id)).status).toBe(404);
    const admin = await service.refund(uuidv7(), body.id, {}, uuidv7(), ['admin']);
    expect([admin.status, admin.body.code]).toEqual([409, 'wrong-state']);
  });

  it('requires an Idempotency-Key, and answers a repeat with the same refund', async () => {
    const { recipient, payment } = await paid();
    const path = `/payments/${payment.id}/refunds`;
    expect((await service.http(recipient, 'POST', path, {})).body.code).toBe('idempotency-key-required');
    const key = uuidv7();
    const first = await service.refund(recipient, payment.id, { amount: 100 }, key);
    expect(await service.refund(recipient, payment.id, { amount: 100 }, key)).toEqual(first);
    expect((await service.refund(recipient, payment.id, { amount: 101 }, key)).body.code).toBe(
      'idempotency-key-reused',
    );
    expect(await refundedOf(payment.id)).toBe(100);
  });

  it.each([{ amount: 0 }, { amount: 1.5 }, { amount: '1' }, { amount: -1 }, { unasked: true }, [], 'all'])(
    'refuses the body %j',
    async (body) => {
      const { recipient, payment } = await paid();
      const answer = await service.refund(recipient, payment.id, body as Record<string, unknown>);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    },
  );

  it('accepts a request without a body', async () => {
    const { recipient, payment } = await paid();
    const headers = { 'idempotency-key': uuidv7() };
    const { body } = await service.http(
      recipient,
      'POST',
      `/payments/${payment.id}/refunds`,
      undefined,
      headers,
    );
    expect(body).toMatchObject({ amount: 1250, status: 'succeeded' });
  });
});

describe('GET /payments/:id/refunds', () => {
  it('lists refunds for the recipient and admins, newest first, page by page', async () => {
    const { payer, recipient, payment } = await paid();
    const ids: string[] = [];
    for (const amount of [1, 2, 3])
      ids.unshift((await service.refund(recipient, payment.id, { amount })).body.id);
    const path = `/payments/${payment.id}/refunds`;
    const { body: page } = await service.http(recipient, 'GET', `${path}?limit=2`);
    const { body: next } = await service.http(recipient, 'GET', `${path}?limit=2&cursor=${page.nextCursor}`);
    const items = [...(page.items as { id: string }[]), ...(next.items as { id: string }[])];
    expect(items.map(({ id }) => id)).toEqual(ids);
    expect([typeof page.asOf, next.nextCursor]).toEqual(['string', null]);
    expect((await service.http(payer, 'GET', path)).body.code).toBe('forbidden');
    expect((await service.http(uuidv7(), 'GET', path)).body.code).toBe('not-found');
    expect((await service.http(uuidv7(), 'GET', path, undefined, {}, ['admin'])).status).toBe(200);
  });
});
