import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Payment } from '@warren/payment-contract';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import type { Operation } from '../src/domain/operation.js';
import { settle } from '../src/operations/settle.js';
import type { PaymentDb } from '../src/store/database.js';
import { lockOperation, lockPayment } from '../src/store/locks.js';
import { FakeProvider } from './support/fake-provider.js';
import { anOperation } from './support/payments.js';
import { type Instance, startTimeout, World } from './support/service.js';

const provider = new FakeProvider();
let world: World;
let service: Instance;
beforeAll(async () => {
  world = await World.create();
  service = await world.start({ provider, durations: { sweepEveryMs: 3_600_000 } });
}, startTimeout);
afterAll(() => world.close());

async function paid() {
  const [payer, recipient] = await world.people();
  const payment = (await service.pay(payer, recipient)).body as Payment;
  const { id } = await service.client.operation.findFirstOrThrow({ where: { paymentId: payment.id } });
  const charge = anOperation({ id, paymentId: payment.id, payerId: payer, recipientId: recipient });
  return { payer, recipient, payment, charge };
}

/** Whether another transaction would have to wait for a lock of the row. */
async function isHeld(table: 'user_copies' | 'payments', id: string): Promise<boolean> {
  const sql = `SELECT FROM ${table} WHERE id = $1::uuid FOR NO KEY UPDATE NOWAIT`;
  return service.client.$queryRawUnsafe(sql, id).then(
    () => false,
    (error: unknown) => {
      expect(String(error)).toContain('could not obtain lock');
      return true;
    },
  );
}

describe.each<[string, (tx: PaymentDb, charge: Operation) => Promise<unknown>]>([
  ['a payment', (tx, { paymentId }) => lockPayment(tx, paymentId)],
  ['an operation', (tx, charge) => lockOperation(tx, charge)],
])('a transaction that locks %s', (_, lock) => {
  it('holds it until it ends, and keeps both people from being erased', async () => {
    const { payer, recipient, payment, charge } = await paid();
    const rows = [
      ['user_copies', payer],
      ['user_copies', recipient],
      ['payments', payment.id],
    ] as const;
    const held = () => Promise.all(rows.map(([table, id]) => isHeld(table, id)));
    await service.uow.run(async (tx) => {
      await lock(tx, charge);
      expect(await held()).toEqual([true, true, true]);
    });
    expect(await held()).toEqual([false, false, false]);
  });
});

describe('an answer of the provider', () => {
  it('changes nothing if the operation is settled already', async () => {
    provider.outcomes.charge = { to: 'requires_action', nextAction: { type: 'x' } };
    provider.outcomes.confirm = { to: 'pending' };
    const { payer, payment, charge } = await paid();
    const { body } = await service.http(payer, 'POST', `/payments/${payment.id}/confirm`);
    expect(body.status).toBe('processing');
    const late = await settle(service.uow, charge, { to: 'requires_action', nextAction: { type: 'x' } });
    expect([late.payment.status, late.payment.version]).toEqual(['processing', 3]);
    await eventually(async () => expect(await service.feed(payer)).toHaveLength(3));
  });

  it('is refused for an operation that does not exist', async () => {
    await expect(settle(service.uow, anOperation({ id: uuidv7() }), { to: 'succeeded' })).rejects.toThrow(
      'is not in the database',
    );
  });
});
