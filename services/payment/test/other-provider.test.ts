import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import type { PaymentProvider } from '../src/providers/provider.js';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

const former = new FakeProvider();
let world: World;
let before: Instance;
let after: Instance;
let asked = 0;
beforeAll(async () => {
  world = await World.create();
  before = await world.start({
    provider: former,
    durations: { sweepEveryMs: 3_600_000, answerWithinMs: 30_000 },
  });
  const refuse = async () => {
    asked += 1;
    return { to: 'succeeded' } as const;
  };
  const other: PaymentProvider = { name: 'other', accepts: () => true, perform: refuse, retrieve: refuse };
  after = await world.start({ provider: other, durations: { sweepEveryMs: 20 } });
}, startTimeout);
afterAll(() => world.close());

it('a payment charged by another provider can be read but not confirmed, canceled, refunded or swept', async () => {
  const [payer, recipient] = await world.people();
  const { body: paid } = await before.pay(payer, recipient);
  former.outcomes.charge = { to: 'requires_action', nextAction: { type: 'x' } };
  const { body: waiting } = await before.pay(payer, recipient);
  former.outcomes.charge = { to: 'pending' };
  const { body: open } = await before.pay(payer, recipient);
  await before.client.$executeRaw`UPDATE operations SET leased_until = now() WHERE settled_at IS NULL`;

  for (const [userId, path] of [
    [recipient, `${paid.id}/refunds`],
    [payer, `${waiting.id}/confirm`],
    [payer, `${waiting.id}/cancel`],
  ]) {
    const headers = { 'idempotency-key': 'the-same' };
    const answer = await after.http(userId ?? '', 'POST', `/payments/${path}`, undefined, headers);
    expect([answer.status, answer.body.code, answer.body.temporary]).toEqual([
      503,
      'service-unavailable',
      true,
    ]);
  }
  expect((await after.http(recipient, 'GET', `/payments/${paid.id}`)).body).toEqual(paid);

  // A sweep that settled a payment of its own provider has skipped the other one.
  const { body: own } = await after.pay(payer, recipient);
  await after.client.$executeRaw`
    UPDATE operations SET settled_at = NULL, leased_until = now() WHERE payment_id = ${own.id}::uuid`;
  await eventually(async () =>
    expect(await after.client.operation.count({ where: { paymentId: own.id, settledAt: null } })).toBe(0),
  );
  expect(asked).toBe(2);
  expect((await after.client.payment.findUniqueOrThrow({ where: { id: open.id } })).status).toBe(
    'processing',
  );
});
