import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { mostRefunds } from '../src/domain/refund.js';
import { type Instance, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
beforeAll(async () => {
  world = await World.create();
  service = await world.start({ env: { PAYMENTS_PER_MINUTE: '3' } });
}, startTimeout);
afterAll(() => world.close());

const codes = (answers: { status: number; body: Record<string, unknown> }[]) =>
  answers.map(({ status, body }) => body.code ?? status);

describe('the rate limit', () => {
  it('for payments is separate for each person', async () => {
    const [ada, grace] = await world.people();
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await service.pay(ada, grace));
    expect(codes(answers)).toEqual([201, 201, 201, 'rate-limited']);
    expect((await service.pay(grace, ada)).status).toBe(201);
  });

  it('for refunds is separate from the one for payments', async () => {
    const [ada, grace] = await world.people();
    const { body } = await service.pay(ada, grace);
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await service.refund(grace, body.id, { amount: 1 }));
    expect(codes(answers)).toEqual([201, 201, 201, 'rate-limited']);
    expect((await service.pay(grace, ada)).status).toBe(201);
  });
});

it.each(['confirm', 'cancel'])(
  'the rate limit to %s a payment counts requests that are refused',
  async (what) => {
    const [ada] = await world.people();
    const ask = () => service.http(ada, 'POST', `/payments/${uuidv7()}/${what}`);
    expect(codes([await ask(), await ask(), await ask(), await ask()])).toEqual([
      'not-found',
      'not-found',
      'not-found',
      'rate-limited',
    ]);
  },
);

describe('a payment', () => {
  it('takes a limited number of refunds, failed ones included', async () => {
    const [ada, grace] = await world.people();
    const { body } = await service.pay(ada, grace);
    await service.client.$executeRaw`
      INSERT INTO refunds (id, payment_id, amount, status, created_at, updated_at)
      SELECT gen_random_uuid(), ${body.id}::uuid, 1, 'failed', now(), now()
      FROM generate_series(2, ${mostRefunds.recipient}::int)`;
    const answers = [];
    for (let n = 0; n < 2; n += 1) answers.push(await service.refund(grace, body.id, { amount: 1 }));
    expect(codes(answers)).toEqual([201, 'wrong-state']);
    // A recipient cannot keep an admin from refunding the rest.
    const back = await service.refund(uuidv7(), body.id, {}, uuidv7(), ['admin']);
    expect(codes([back])).toEqual([201]);
  });
});
