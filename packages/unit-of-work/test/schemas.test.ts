import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { createUnitOfWork, migrateMessaging, Retention, react } from '@warren/unit-of-work';
import { deliver, deliveryOf, noteEvent } from './support/deliveries.js';
import { contract, type Fixture, fixture, type Instance, quiet } from './support/fixture.js';
import { ScriptedBus } from './support/scripted-bus.js';

// `user` is also a key word of SQL.
const schemas = ['messaging', 'user'] as const;

describe('two units of work with schemas of their own in one database', () => {
  let db: Fixture;
  let buses: [ScriptedBus, ScriptedBus];
  let instances: [Instance, Instance];
  let handled: string[];

  beforeAll(async () => {
    db = await fixture();
    await migrateMessaging(db.pool, { schema: 'user' });
    buses = [new ScriptedBus(), new ScriptedBus()];
    handled = [];
    const start = async (index: 0 | 1) => {
      const instance = db.instance({ bus: buses[index], schema: schemas[index] });
      const handle = async () => void handled.push(schemas[index]);
      await instance.start({ handlers: [react(contract, 'note.written', { handle })] });
      return instance;
    };
    instances = [await start(0), await start(1)];
  });
  afterAll(() => db.close());

  /** An event, a feed entry and a record of the same key in each. */
  const once = ({ uow }: Instance, text: string) =>
    uow.once({ userId: 'ann', operation: 'write', key: 'k1', input: {} }, async (tx) => {
      tx.publish({ type: 'note.written', subject: text, version: 1, data: { text } });
      tx.feed('ann', { type: 'note.updated', data: { text } });
      return { record: text, result: text };
    });

  it('keeps their events, feeds and records apart', async () => {
    const values = [await once(instances[0], 'first'), await once(instances[1], 'second')];
    expect(values).toEqual([
      { ran: true, result: 'first' },
      { ran: true, result: 'second' },
    ]);
    for (const [index, text] of (['first', 'second'] as const).entries()) {
      const bus = buses[index];
      await eventually(async () => {
        expect(bus?.published.map(({ body }) => JSON.parse(body).subject)).toEqual([text]);
        expect(
          await db.sql(`SELECT published_at IS NOT NULL AS done FROM "${schemas[index]}".outbox`),
        ).toEqual([{ done: true }]);
      });
      const feed = await instances[index]?.feeds.read('ann', 0, 10);
      expect(feed).toMatchObject({ entries: [{ seq: 1, data: { text } }], head: { seq: 1 } });
    }
    const [first] = await db.sql<{ epoch: string }>('SELECT epoch FROM messaging.meta');
    const [second] = await db.sql<{ epoch: string }>('SELECT epoch FROM "user".meta');
    expect(first?.epoch).not.toBe(second?.epoch);
  });

  it('lets each handle the same event once', async () => {
    const delivery = deliveryOf(noteEvent());
    for (const bus of buses) {
      await deliver(bus, [delivery]);
      await deliver(bus, [delivery]);
    }
    expect(handled).toEqual(['messaging', 'user']);
  });

  it('lets neither wait for locks of the other, on users or on keys', async () => {
    const entered = gate();
    const mayEnd = gate();
    const options = { userId: 'bob', operation: 'write', key: 'k2', input: {}, users: ['bob'] };
    const held = instances[0].uow.once(options, async () => {
      entered.open();
      await mayEnd.opened;
      return { record: 'first', result: 'first' };
    });
    await entered.opened;
    const other = await instances[1].uow
      .once(options, async () => ({ record: 'second', result: 'second' }))
      .finally(() => mayEnd.open());
    expect([other, await held]).toEqual([
      { ran: true, result: 'second' },
      { ran: true, result: 'first' },
    ]);
  });

  it('prunes one and leaves the other as it is', async () => {
    const clock = () => new Date(Date.now() + 60 * 86_400_000);
    const rows = (schema: string) =>
      db.sql(`SELECT (SELECT count(*)::int FROM "${schema}".outbox) AS outbox,
        (SELECT count(*)::int FROM "${schema}".inbox) AS inbox, (SELECT count(*)::int FROM "${schema}".feed) AS feed`);
    const before = await rows('messaging');
    expect(await new Retention({ pool: db.pool, schema: 'user', log: quiet, clock }).round()).toBe(true);
    expect(await rows('user')).toEqual([{ outbox: 0, inbox: 0, feed: 0 }]);
    expect(await rows('messaging')).toEqual(before);
  });
});

describe('the name of the schema', () => {
  it.each(['public', 'pg_temp', 'information_schema', 'Messaging', 'a-b', '', 'a'.repeat(32)])(
    'can not be "%s"',
    async (schema) => {
      const parts = { service: 'note', contract, bus: new ScriptedBus(), log: quiet };
      const nothing = {} as never;
      expect(() => createUnitOfWork({ ...parts, client: nothing, pool: nothing, schema })).toThrow(
        RangeError,
      );
    },
  );
});
