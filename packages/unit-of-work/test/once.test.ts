import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gate } from '@warren/testing';
import { type Fixture, fixture, type Instance, noteError, writeNote } from './support/fixture.js';

let db: Fixture;
let instance: Instance;
beforeAll(async () => {
  db = await fixture();
  instance = db.instance();
});
afterAll(() => db.close());

const input = { amount: 5, to: 'bob' };
/** The work of `once` that records its result. */
const recording = <T>(result: T) => ({ record: result, result });

const asked = (key: string) => ({ userId: 'ann', operation: 'pay', key, input });

describe('an operation with an idempotency key', () => {
  it('runs once and hands over its result; a repeat gets what it recorded', async () => {
    const { uow, client } = instance;
    const start = client.statements.length;
    const first = await uow.once(asked('k1'), async (tx) => {
      await writeNote(tx, 'k1', ['ann']);
      return { record: { id: 7 }, result: new Map([['id', 7]]) };
    });
    const statements = client.statements.slice(start).map((sql) => sql.trim().split(/\s/)[0]);
    expect(statements).toEqual(['BEGIN', 'WITH', 'INSERT', 'WITH', 'COMMIT']);
    const again = await uow.once({ ...asked('k1'), input: { to: 'bob', amount: 5 } }, async () =>
      recording({ id: 8 }),
    );
    expect([first, again]).toEqual([
      { ran: true, result: new Map([['id', 7]]) },
      { ran: false, recorded: { id: 7 } },
    ]);
    expect(await db.sql(`SELECT times FROM note WHERE id = 'k1'`)).toEqual([{ times: 1 }]);
  });

  it('is refused while the first request with this key runs', async () => {
    const held = gate<string>();
    const entered = gate();
    const first = instance.uow.once(asked('k2'), () => {
      entered.open();
      return held.opened.then(recording);
    });
    await entered.opened;
    const second = instance.uow.once(asked('k2'), async () => recording('second'));
    const refused = expect(second).rejects.toMatchObject({ code: 'request-in-progress', temporary: true });
    await refused.finally(() => held.open('first'));
    expect(await first).toEqual({ ran: true, result: 'first' });
    expect(await instance.uow.once(asked('k2'), async () => recording('third'))).toEqual({
      ran: false,
      recorded: 'first',
    });
  });

  it('is refused if the input differs from the first one', async () => {
    await instance.uow.once(asked('k3'), async () => recording(1));
    const other = instance.uow.once({ ...asked('k3'), input: { ...input, amount: 6 } }, async () =>
      recording(2),
    );
    await expect(other).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    // Refused is not recorded: the key still stands for its first input.
    expect(await instance.uow.once(asked('k3'), async () => recording(3))).toEqual({
      ran: false,
      recorded: 1,
    });
  });

  it('runs again for another user or operation with the same key', async () => {
    const run = (change: object) =>
      instance.uow.once({ ...asked('k4'), ...change }, async () => recording('ran'));
    const all = [await run({}), await run({ userId: 'bob' }), await run({ operation: 'refund' })];
    expect(all.map(({ ran }) => ran)).toEqual([true, true, true]);
  });

  it('throws a recorded permanent refusal again without running again', async () => {
    let runs = 0;
    const refuse = () =>
      instance.uow.once(asked('k5'), async (tx) => {
        runs += 1;
        await writeNote(tx, 'k5');
        throw noteError('note-locked', {
          detail: 'not to yourself',
          errors: [{ pointer: '/to', code: 'self' }],
        });
      });
    const refusal = {
      status: 409,
      temporary: false,
      code: 'note-locked',
      message: 'not to yourself',
      errors: [{ pointer: '/to', code: 'self' }],
    };
    await expect(refuse()).rejects.toMatchObject(refusal);
    await expect(refuse()).rejects.toMatchObject(refusal);
    expect(runs).toBe(1);
    expect(await db.sql(`SELECT FROM note WHERE id = 'k5'`)).toEqual([]);
  });

  it.each([
    ['a temporary refusal', () => noteError('note-missing')],
    ['an unknown error', () => new Error('made up')],
  ])('runs again after %s', async (what, error) => {
    const failing = instance.uow.once(asked(what), async () => {
      throw error();
    });
    await expect(failing).rejects.toThrow();
    expect(await instance.uow.once(asked(what), async () => recording('now'))).toEqual({
      ran: true,
      result: 'now',
    });
  });

  it('runs again after 24 hours', async () => {
    await instance.uow.once(asked('k6'), async () => recording('old'));
    await db.sql(
      `UPDATE messaging.idempotency SET created_at = now() - interval '25 hours' WHERE key = 'k6'`,
    );
    expect(await instance.uow.once(asked('k6'), async () => recording('new'))).toEqual({
      ran: true,
      result: 'new',
    });
    expect(await instance.uow.once(asked('k6'), async () => recording('newer'))).toEqual({
      ran: false,
      recorded: 'new',
    });
  });

  it('returns the value of a first request that committed between its snapshot and its lock', async () => {
    let runs = 0;
    const result = await instance.uow.once(asked('k7'), async (tx) => {
      runs += 1;
      await writeNote(tx, 'k7', ['kim']);
      await db.sql(
        `INSERT INTO messaging.idempotency (user_id, operation, key, input_hash, outcome)
         SELECT user_id, operation, 'k7', input_hash, '{"value":"theirs"}' FROM messaging.idempotency
         WHERE key = 'k3'`,
      );
      return recording('ours');
    });
    expect(result).toEqual({ ran: false, recorded: 'theirs' });
    expect(runs).toBe(1);
    expect(await db.sql(`SELECT FROM note WHERE id = 'k7'`)).toEqual([]);
    expect(await db.sql(`SELECT FROM messaging.feed WHERE user_id = 'kim'`)).toEqual([]);
  });

  it('runs once if many requests come at the same time', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        instance.uow.once(asked('k8'), async (tx) => recording(await writeNote(tx, 'k8'))),
      ),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'request-in-progress' });
    expect(await db.sql(`SELECT times FROM note WHERE id = 'k8'`)).toEqual([{ times: 1 }]);
  });

  it('takes the locks of users in its opening statement', async () => {
    const start = instance.client.statements.length;
    await instance.uow.once({ ...asked('k9'), users: ['ann', 'bob'] }, async () => {
      const held = await db.sql(
        `SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
         WHERE d.datname = current_database() AND locktype = 'advisory' AND granted`,
      );
      expect(held.length).toBe(3);
      return recording(null);
    });
    expect(instance.client.statements.slice(start)).toHaveLength(4);
  });
});
