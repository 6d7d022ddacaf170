import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Balance } from '@warren/payment-contract';
import { deletedEvent, userEvent } from '@warren/service-testing';
import { eventually, type TestDatabase, testDatabase } from '@warren/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { sandboxProvider } from '../src/providers/sandbox.js';
import { seededRandom, withFaults } from './support/faults.js';
import { insertPayment, wrongBalances } from './support/ledger.js';
import { type Instance, startTimeout, World } from './support/service.js';

let world: World;
let instances: [Instance, Instance];
let database: TestDatabase;
let client: pg.Client;
let next: () => number;
/** Whether some calls to the provider get lost. */
let callsGetLost = true;
beforeAll(async () => {
  database = await testDatabase();
  world = await World.create(database);
  const seed = Number(process.env.WARREN_TEST_SEED ?? Date.now() % 100_000);
  next = seededRandom(seed);
  const provider = withFaults(sandboxProvider({ slowMs: 50 }), {
    fault: () => (callsGetLost && next() < 0.1 ? (next() < 0.5 ? 'cut-before' : 'cut-after') : 'none'),
  });
  const durations = { sweepEveryMs: 50 };
  instances = [await world.start({ provider, durations }), await world.start({ provider, durations })];
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
}, startTimeout);
afterAll(async () => {
  await client?.end();
  await world?.close();
});

const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T;

const methods = [
  'pm_card_visa',
  'pm_card_visa',
  'pm_card_visa',
  'pm_card_chargeDeclined',
  'pm_card_slow',
  'pm_card_pendingRefund',
  'pm_card_refundFail',
];

describe('balances', () => {
  it('equal the sum of their entries at every moment, whatever people do at the same time', async () => {
    const people = Array.from({ length: 5 }, () => uuidv7());
    for (const id of people) await world.bus.publish(userEvent('user.registered', id));
    const leaver = people[4] as string;
    const pairs = () => {
      const payer = pick(people);
      return [payer, pick(people.filter((each) => each !== payer))] as const;
    };
    let busy = true;
    let looks = 0;
    const looking = (async () => {
      while (busy || looks < 3) {
        expect(await wrongBalances(client)).toEqual([]);
        expect((await client.query('SELECT * FROM ledger_wrong_balances()')).rows).toEqual([]);
        looks += 1;
      }
    })();
    const acting = Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let n = 0; n < 25; n += 1) {
          if (worker === 0 && n === 12) await world.bus.publish(deletedEvent(leaver, 2));
          const [payer, recipient] = pairs();
          const currency = pick(['EUR', 'JPY']);
          const amount = 100 + Math.floor(next() * 900);
          const changes = { currency, amount, paymentMethod: pick(methods) };
          const { body } = await pick(instances).pay(payer, recipient, changes);
          if (body.status === 'succeeded' && next() < 0.6)
            await pick(instances).refund(recipient, body.id, { amount: 1 + Math.floor(next() * amount) });
        }
      }),
    ).finally(() => {
      busy = false;
      callsGetLost = false;
    });
    await acting;
    await looking;
    await eventually(
      async () => {
        const { rows } = await client.query('SELECT FROM operations WHERE settled_at IS NULL');
        expect(rows).toHaveLength(0);
      },
      { within: 60_000 },
    );
    expect(await wrongBalances(client)).toEqual([]);

    const { rows: sums } = await client.query<{ account: string; currency: string; amount: string }>(
      'SELECT account, currency, sum(amount) AS amount FROM ledger_entries GROUP BY 1, 2 ORDER BY 2',
    );
    expect(sums.filter(({ account }) => account.startsWith('person:')).length).toBeGreaterThan(5);
    for (const id of people.slice(0, 4)) {
      const { items } = (await instances[0].http(id, 'GET', '/balance')).body as unknown as Balance;
      const own = sums.filter(({ account }) => account === `person:${id}`);
      expect(items).toEqual(own.map(({ currency, amount }) => ({ currency, amount: Number(amount) })));
    }
  }, 120_000);
});

const full = process.env.WARREN_TEST_FULL === '1';

/** Milliseconds of the fastest of five tries. */
async function fastest(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return Math.min(...times);
}

(full ? describe : describe.skip)('the balance of a person with two million entries', () => {
  it('is read in a fraction of the time that summing the entries takes', async () => {
    const person = uuidv7();
    const account = `person:${person}`;
    const paymentId = await insertPayment(client);
    // A thousand movements of two thousand entries each. The trigger is off: it runs for each entry.
    await client.query('ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_balance');
    await client.query(
      `WITH movements AS (
        INSERT INTO ledger_movements (id, payment_id, operation_id, kind, created_at)
        SELECT gen_random_uuid(), $1, gen_random_uuid(), 'payment', now() FROM generate_series(1, 1000)
        RETURNING id
      )
      INSERT INTO ledger_entries (movement_id, position, account, currency, amount)
      SELECT id, position, CASE WHEN position < 2000 THEN $2 ELSE 'clearing:sandbox' END, 'EUR',
        CASE WHEN position < 2000 THEN 5 ELSE -10000 END
      FROM movements CROSS JOIN generate_series(0, 2000) AS position`,
      [paymentId, account],
    );
    await client.query('ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_balance');
    await client.query('VACUUM ANALYZE ledger_entries');
    expect(await wrongBalances(client)).toEqual([]);
    expect(await instances[0].balance(person)).toBe(10_000_000);
    const read = (sql: string) => fastest(() => client.query(sql, [account]));
    const sum = await read('SELECT currency, sum(amount) FROM ledger_entries WHERE account = $1 GROUP BY 1');
    const held = await read('SELECT currency, amount FROM ledger_balances WHERE account = $1');
    const request = await fastest(() => instances[0].balance(person));
    const ms = (time: number) => time.toFixed(2);
    process.stdout.write(
      `2,000,000 entries: sum ${ms(sum)} ms, held ${ms(held)} ms (1/${Math.round(sum / held)}), GET /balance ${ms(request)} ms\n`,
    );
    expect(sum / held).toBeGreaterThan(20);
  }, 600_000);
});
