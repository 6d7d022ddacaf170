import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deletedEvent, userEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { newPayment } from '../src/domain/new-payment.js';
import { announce } from '../src/operations/announce.js';
import { eraseNextPayments } from '../src/store/erasure.js';
import { reserveCharge } from '../src/store/reservations.js';
import { FakeProvider } from './support/fake-provider.js';
import { anOperation } from './support/payments.js';
import { type Instance, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
const provider = new FakeProvider();
beforeAll(async () => {
  world = await World.create();
  service = await world.start({ provider, durations: { sweepEveryMs: 100 } });
}, startTimeout);
afterAll(() => world.close());
beforeEach(() => {
  provider.beforeMove = async () => undefined;
});

const described = { description: 'between us' };

const methodsOf = async (paymentId: string) =>
  (await service.client.operation.findMany({ where: { paymentId, kind: 'charge' } })).map(
    ({ paymentMethod }) => paymentMethod,
  );

const rowOf = (id: string) => service.client.payment.findUniqueOrThrow({ where: { id } });
const request = (recipientId: string) => ({
  recipientId,
  amount: 1250,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
});

/** Waits until a transaction of this database is blocked by a lock. */
const waitUntilBlocked = () =>
  eventually(async () => {
    const [row] = await service.client.$queryRaw<{ waiting: number }[]>`
      SELECT count(*)::int AS waiting FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    expect(row?.waiting).toBeGreaterThan(0);
  });

describe('deleting a person', () => {
  it('erases their descriptions and payment methods, and keeps payments, refunds and the ledger', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace, { description: 'for the flowers' });
    const { body: received } = await service.pay(grace, ada, { description: 'for the cake' });
    await service.refund(grace, paid.id, { amount: 50 });
    const balances = [await service.balance(ada), await service.balance(grace)];
    await world.bus.publish(deletedEvent(ada, 2));

    const { body } = await service.http(grace, 'GET', `/payments/${paid.id}`);
    expect(body).toEqual({
      ...paid,
      description: null,
      amountRefunded: 50,
      version: 4,
      updatedAt: expect.any(String),
    });
    expect(await methodsOf(paid.id)).toEqual([null]);
    expect((await service.http(grace, 'GET', `/payments/${received.id}`)).body.description).toBe(
      'for the cake',
    );
    expect(await methodsOf(received.id)).toEqual(['pm_card_visa']);
    expect([await service.balance(ada), await service.balance(grace)]).toEqual(balances);
  });

  it('erases their descriptions from the feed of the person they paid, and nothing else', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace, { description: 'for the flowers' });
    await service.refund(grace, paid.id, { amount: 50 });
    await service.pay(grace, ada, { description: 'for the cake' });
    const before = await service.feed(grace);
    expect(before.filter(({ data }) => data.description === 'for the flowers')).toHaveLength(2);
    await world.bus.publish(deletedEvent(ada, 2));
    const expected = before.map(({ data, ...entry }) => ({
      ...entry,
      data: { ...data, description: data.id === paid.id ? null : data.description },
    }));
    expect(await service.feed(grace)).toEqual(expected);
  });

  it('still allows refunds to them, without an entry in their feed', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace);
    await world.bus.publish(deletedEvent(ada, 2));
    const told = (await service.feed(ada)).length;
    expect((await service.refund(grace, paid.id)).body.status).toBe('succeeded');
    expect(await service.feed(ada)).toHaveLength(told);
    expect((await service.feed(grace)).at(-1)?.data.amountRefunded).toBe(1250);
  });

  it('erases the method of a payment in progress when the payment is settled', async () => {
    const [ada, grace] = await world.people();
    let charging: () => void = () => undefined;
    let goOn: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      charging = resolve;
    });
    provider.beforeMove = () => {
      charging();
      return new Promise((resolve) => {
        goOn = resolve;
      });
    };
    const answer = service.pay(ada, grace, { description: 'in a hurry' });
    await reached;
    await world.bus.publish(deletedEvent(ada, 2));
    const open = await service.client.payment.findFirstOrThrow({ where: { payerId: ada } });
    expect([open.description, ...(await methodsOf(open.id))]).toEqual([null, 'pm_card_visa']);
    goOn();
    expect((await answer).body.status).toBe('succeeded');
    await eventually(async () => expect(await methodsOf(open.id)).toEqual([null]));
    expect((await service.feed(grace)).at(-1)?.data.description).toBeNull();
  });

  it('cancels payments that require their action, and erases the client secrets', async () => {
    const [ada, grace] = await world.people();
    const waits = { to: 'requires_action', nextAction: { type: 'x' }, clientSecret: 'secret' } as const;
    provider.outcomes.charge = waits;
    const { body: waiting } = await service.pay(ada, grace);
    provider.afterMove = async () => {
      provider.afterMove = async () => undefined;
      await world.bus.publish(deletedEvent(ada, 2));
      // The erasure itself does this, before the sweeper runs.
      const { nextAction, clientSecret } = await rowOf(waiting.id);
      expect([nextAction, clientSecret]).toEqual([null, null]);
    };
    const { body: underWay } = await service.pay(ada, grace);
    provider.outcomes.charge = { to: 'succeeded' };
    expect(await rowOf(underWay.id)).toMatchObject({ nextAction: null, clientSecret: null });
    for (const { id } of [waiting, underWay]) {
      await eventually(async () => expect((await rowOf(id)).status).toBe('canceled'));
    }
    expect(await service.client.operation.count({ where: { settledAt: null } })).toBe(0);
  });

  it('erases a payment in progress even if this service did not know the payer yet', async () => {
    const [, grace] = await world.people();
    const ada = uuidv7();
    let erased: Promise<void> = Promise.resolve();
    const draft = newPayment(uuidv7(), ada, { ...request(grace), description: 'first words' }, new Date());
    const charge = anOperation({ id: uuidv7(), paymentId: draft.id, payerId: ada, recipientId: grace });
    await service.uow.run(async (tx) => {
      await reserveCharge(tx, draft, charge, { provider: provider.name, leaseMs: 0 });
      announce(tx, draft, 'payment.processing');
      let done = false;
      erased = world.bus.publish(deletedEvent(ada, 2)).then(() => {
        done = true;
      });
      await waitUntilBlocked();
      expect(done).toBe(false);
    });
    await erased;
    expect((await rowOf(draft.id)).description).toBeNull();
    expect(await service.feed(ada)).toEqual([]);
    await eventually(async () => expect(await methodsOf(draft.id)).toEqual([null]));
  });

  it('leaves nothing behind if they pay and confirm at the same time, in whatever order', async () => {
    const [ada, grace] = await world.people();
    provider.outcomes.charge = { to: 'requires_action', nextAction: { type: 'x' } };
    const waiting = await Promise.all(Array.from({ length: 10 }, () => service.pay(ada, grace, described)));
    provider.outcomes.charge = { to: 'succeeded' };
    const [, ...answers] = await Promise.all([
      world.bus.publish(deletedEvent(ada, 2)),
      ...waiting.map(({ body }) => service.http(ada, 'POST', `/payments/${body.id}/confirm`)),
      ...Array.from({ length: 20 }, () => service.pay(ada, grace, described)),
    ]);
    expect(answers.filter(({ status }) => ![200, 201, 401].includes(status))).toEqual([]);
    await eventually(async () => {
      const left = await service.client.payment.findMany({
        where: { payerId: ada },
        include: { operations: true },
      });
      expect(left.length).toBeGreaterThanOrEqual(10);
      const operations = left.flatMap((payment) => payment.operations);
      expect(left.filter(({ description }) => description !== null)).toEqual([]);
      expect(operations.filter((each) => each.paymentMethod !== null || each.settledAt === null)).toEqual([]);
    });
  });

  it('erases payments that are too many for one transaction', async () => {
    const [ada, grace] = await world.people();
    await service.client.$executeRaw`
      WITH made AS (
        INSERT INTO payments (id, payer_id, recipient_id, amount, currency, status, description, provider, version,
          created_at, updated_at)
        SELECT gen_random_uuid(), ${ada}::uuid, ${grace}::uuid, 1, 'EUR', 'failed', 'one of many', 'fake', 2,
          now(), now()
        FROM generate_series(1, 2500) RETURNING id
      )
      INSERT INTO operations (id, payment_id, kind, payment_method, correlation_id, created_at, settled_at)
      SELECT gen_random_uuid(), id, 'charge', 'pm_card_visa', 'test', now(), now() FROM made`;
    await world.bus.publish(deletedEvent(ada, 2));
    await eventually(async () => {
      const [left] = await service.client.$queryRaw<unknown[]>`
        SELECT count(p.description)::int AS described, count(o.payment_method)::int AS methods,
          count(DISTINCT p.xmin::text)::int AS transactions, count(*)::int AS payments
        FROM payments p JOIN operations o ON o.payment_id = p.id WHERE p.payer_id = ${ada}::uuid`;
      expect(left).toEqual({ described: 0, methods: 0, transactions: 3, payments: 2500 });
    });
    const { eraseAfter } = await service.client.userCopy.findUniqueOrThrow({ where: { id: ada } });
    expect(eraseAfter).toBeNull();
  });

  it('continues with unfinished erasures without reading the other people', async () => {
    await service.client.$executeRaw`
      INSERT INTO user_copies (id, version) SELECT gen_random_uuid(), 1 FROM generate_series(1, 20000)`;
    const read = await service.client.$transaction(async (tx) => {
      expect(await eraseNextPayments(tx, uuidv7())).toBe(false);
      return tx.$queryRaw`
        SELECT seq_tup_read::int AS rows FROM pg_stat_xact_user_tables WHERE relid = 'user_copies'::regclass`;
    });
    expect(read).toEqual([{ rows: 0 }]);
  });

  it('changes nothing when it is repeated', async () => {
    const [ada, grace] = await world.people();
    const { body: paid } = await service.pay(ada, grace, { description: 'once' });
    for (const version of [2, 2, 3]) await world.bus.publish(deletedEvent(ada, version));
    expect((await service.http(grace, 'GET', `/payments/${paid.id}`)).body.version).toBe(3);
  });
});

describe('the first payments of a person', () => {
  it('all succeed while the copy of that person arrives', async () => {
    const [, grace] = await world.people();
    const ada = uuidv7();
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => service.pay(ada, grace)),
      world.bus.publish(userEvent('user.registered', ada)).then(() => undefined),
    ]);
    expect(answers.flatMap((answer) => answer?.status ?? [])).toEqual(Array(10).fill(201));
    expect(await service.client.userCopy.findUnique({ where: { id: ada } })).toMatchObject({ version: 1 });
  });
});
