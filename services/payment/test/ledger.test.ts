import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../src/generated/prisma/client.js';
import { type Instance, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
beforeAll(async () => {
  world = await World.create();
  service = await world.start();
}, startTimeout);
afterAll(() => world.close());

const linesOf = (paymentId: string) =>
  service.client.$queryRaw<{ kind: string; account: string; amount: bigint }[]>`
    SELECT m.kind, e.account, e.amount FROM ledger_movements m JOIN ledger_entries e ON e.movement_id = m.id
    WHERE m.payment_id = ${paymentId}::uuid ORDER BY m.id, e.position`;

describe('the ledger', () => {
  it('records each movement of money from the provider through the payer to the recipient, and back', async () => {
    const [payer, recipient] = await world.people();
    const { body } = await service.pay(payer, recipient);
    await service.refund(recipient, body.id, { amount: 250 });
    const lines = (await linesOf(body.id)).map(({ kind, account, amount }) => [
      kind,
      account,
      Number(amount),
    ]);
    expect(lines).toEqual([
      ['payment', 'clearing:sandbox', -1250],
      ['payment', `person:${payer}`, 1250],
      ['payment', `person:${payer}`, -1250],
      ['payment', `person:${recipient}`, 1250],
      ['refund', 'clearing:sandbox', 250],
      ['refund', `person:${payer}`, -250],
      ['refund', `person:${payer}`, 250],
      ['refund', `person:${recipient}`, -250],
    ]);
  });

  it('records nothing for payments that moved no money', async () => {
    const [payer, recipient] = await world.people();
    for (const paymentMethod of ['pm_card_chargeDeclined', 'pm_card_authenticationRequired']) {
      const { body } = await service.pay(payer, recipient, { paymentMethod });
      expect(await linesOf(body.id)).toEqual([]);
    }
  });
});

describe('the database', () => {
  /** Writes a movement in a transaction of its own, as another program might. */
  async function post(entries: readonly (readonly [account: string, currency: string, amount: number])[]) {
    const [payer, recipient] = await world.people();
    const { body } = await service.pay(payer, recipient);
    await service.client.$transaction(async (tx) => {
      const id = uuidv7();
      await tx.ledgerMovement.create({
        data: { id, paymentId: body.id, operationId: uuidv7(), kind: 'refund', createdAt: new Date() },
      });
      for (const [position, [account, currency, amount]] of entries.entries()) {
        await tx.ledgerEntry.create({ data: { movementId: id, position, account, currency, amount } });
      }
    });
  }

  it.each([
    ['with one side only', [['person:a', 'EUR', 100]]],
    [
      'with a cent missing',
      [
        ['person:a', 'EUR', 100],
        ['clearing:sandbox', 'EUR', -99],
      ],
    ],
    [
      'that balances only across two currencies',
      [
        ['person:a', 'EUR', 100],
        ['clearing:sandbox', 'USD', -100],
      ],
    ],
    ['without entries', []],
  ] as const)('refuses at commit a movement %s', async (_, entries) => {
    const before = await service.client.ledgerMovement.count();
    await expect(post(entries)).rejects.toThrow('do not sum to zero');
    expect(await service.client.ledgerMovement.count()).toBe(before + 1);
  });

  it('accepts a movement that balances', async () => {
    await post([
      ['person:a', 'EUR', 100],
      ['clearing:sandbox', 'EUR', -100],
    ]);
  });

  it('refuses another entry for a committed movement', async () => {
    const [payer, recipient] = await world.people();
    const { body } = await service.pay(payer, recipient);
    const movement = await service.client.ledgerMovement.findFirstOrThrow({ where: { paymentId: body.id } });
    const line = { movementId: movement.id, position: 9, account: 'person:a', currency: 'EUR', amount: 1 };
    await expect(service.client.ledgerEntry.create({ data: line })).rejects.toThrow('do not sum to zero');
  });

  it.each(['ledger_movements', 'ledger_entries'])('refuses to change or delete rows of %s', async (table) => {
    const raw = Prisma.raw(table);
    const column = Prisma.raw(table === 'ledger_entries' ? 'amount = amount + 1' : "kind = 'refund'");
    const { client } = service;
    await expect(client.$executeRaw`UPDATE ${raw} SET ${column}`).rejects.toThrow('only added to');
    await expect(client.$executeRaw`DELETE FROM ${raw}`).rejects.toThrow('only added to');
    await expect(client.$executeRaw`TRUNCATE ${raw} CASCADE`).rejects.toThrow('only added to');
  });

  it('refuses a second movement of the same kind for an operation', async () => {
    const [payer, recipient] = await world.people();
    const { body } = await service.pay(payer, recipient);
    const movement = await service.client.ledgerMovement.findFirstOrThrow({ where: { paymentId: body.id } });
    await expect(
      service.client.ledgerMovement.create({ data: { ...movement, id: uuidv7() } }),
    ).rejects.toThrow('Unique constraint');
  });
});

describe('GET /balance', () => {
  it('answers what the caller received and still has, per currency, as of a cursor', async () => {
    const [ada, grace] = await world.people();
    await service.pay(ada, grace, { amount: 500, currency: 'JPY' });
    await service.pay(ada, grace, { amount: 1250 });
    const { body } = await service.pay(grace, ada, { amount: 200 });
    await service.refund(ada, body.id, { amount: 50 });
    expect((await service.http(grace, 'GET', '/balance')).body).toEqual({
      items: [
        { currency: 'EUR', amount: 1250 },
        { currency: 'JPY', amount: 500 },
      ],
      asOf: expect.any(String),
    });
    expect(await service.balance(ada)).toBe(150);
  });

  it('refuses a balance that a number cannot express exactly, while payments continue', async () => {
    const [ada, grace] = await world.people();
    const { body } = await service.pay(ada, grace);
    for (let n = 0; n < 2; n += 1) {
      await service.client.$executeRaw`
        WITH movement AS (
          INSERT INTO ledger_movements (id, payment_id, operation_id, kind, created_at)
          VALUES (gen_random_uuid(), ${body.id}::uuid, gen_random_uuid(), 'payment', now()) RETURNING id
        )
        INSERT INTO ledger_entries (movement_id, position, account, currency, amount)
        SELECT m.id, line.* FROM movement m CROSS JOIN LATERAL (VALUES
          (0, 'clearing:x', 'EUR', -9223372036854775807), (1, ${`person:${grace}`}, 'EUR', 9223372036854775807)
        ) AS line`;
    }
    const { status, body: problem } = await service.http(grace, 'GET', '/balance');
    expect([status, problem.code]).toEqual([409, 'wrong-state']);
    expect((await service.pay(ada, grace)).body.status).toBe('succeeded');
  });

  it('answers an empty list to a person without any movement', async () => {
    const { body } = await service.http(uuidv7(), 'GET', '/balance');
    expect(body).toEqual({ items: [], asOf: expect.any(String) });
  });
});
