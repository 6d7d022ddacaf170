import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gate } from '@warren/testing';
import { Retention, react } from '@warren/unit-of-work';
import { v4 as uuidv4 } from 'uuid';
import { deliveryOf, noteEvent } from './support/deliveries.js';
import { contract, type Fixture, fixture, type NoteTx, quiet, writeNote } from './support/fixture.js';
import { dayMs, idOf } from './support/old-rows.js';
import { ScriptedBus } from './support/scripted-bus.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());

const midnight = new Date(Math.ceil(Date.now() / dayMs) * dayMs);
const before = new Date(midnight.getTime() - 1);

async function instance(meanwhile: () => Promise<void> = async () => undefined) {
  const bus = new ScriptedBus();
  const messaging = db.instance({ bus });
  await messaging.start({
    handlers: [
      react(contract, 'note.written', {
        async handle(tx: NoteTx, { subject }) {
          await meanwhile();
          await writeNote(tx, subject);
        },
      }),
    ],
  });
  return {
    ...messaging,
    deliver: async (id: string, subject: string) =>
      bus.subscription?.handle([deliveryOf({ ...noteEvent({ subject }), id })]),
  };
}

const times = async (subject: string) =>
  (await db.sql<{ times: number }>('SELECT times FROM note WHERE id = $1', [subject]))[0]?.times;

describe('an event that is delivered before midnight and again after it', () => {
  it('hazard: is in no unique index twice if partitions go by the time of handling', async () => {
    await db.sql(`
      CREATE TABLE by_handling (event_id text, handled_at timestamptz, PRIMARY KEY (event_id, handled_at))
        PARTITION BY RANGE (handled_at);
      CREATE TABLE by_handling_today PARTITION OF by_handling
        FOR VALUES FROM (MINVALUE) TO ('${midnight.toISOString()}');
      CREATE TABLE by_handling_then PARTITION OF by_handling
        FOR VALUES FROM ('${midnight.toISOString()}') TO (MAXVALUE)`);
    for (const time of [before, midnight]) {
      await db.sql(`INSERT INTO by_handling VALUES ('same', $1) ON CONFLICT DO NOTHING`, [time]);
    }
    expect(await db.sql('SELECT FROM by_handling')).toHaveLength(2);
  });

  const ids: [string, string][] = [
    ['before midnight', idOf(before)],
    ['at midnight', idOf(midnight)],
    ['random', uuidv4()],
    ['a month old', idOf(new Date(before.getTime() - 30 * dayMs))],
  ];

  it.each(ids)(
    'guard: has one effect in two instances at the same time if its id is %s',
    async (what, id) => {
      const bothIn = gate();
      let inside = 0;
      const slow = async () => {
        inside += 1;
        if (inside === 2) bothIn.open();
        await bothIn.opened;
      };
      const [a, b] = [await instance(slow), await instance(slow)];
      const verdicts = await Promise.all([a.deliver(id, what), b.deliver(id, what)]);
      expect(verdicts).toEqual([[{ kind: 'done' }], [{ kind: 'done' }]]);
      expect(await times(what)).toBe(1);
      expect(await db.sql('SELECT FROM messaging.inbox WHERE event_id = $1', [id])).toHaveLength(1);
    },
  );

  it.each(ids)('guard: has no second effect for 14 days if its id is %s', async (what, id) => {
    for (const day of [1, 2, 7, 13]) {
      const clock = () => new Date(before.getTime() + day * dayMs);
      await new Retention({ pool: db.pool, log: quiet, clock }).round();
      const { deliver } = await instance();
      expect(await deliver(id, what)).toEqual([{ kind: 'done' }]);
    }
    expect(await times(what)).toBe(1);
  });
});
