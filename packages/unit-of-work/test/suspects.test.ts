import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DomainEvent, PermanentError } from '@warren/contracts';
import { createMemoryEventBus, type Delivery, type Verdict } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { react } from '@warren/unit-of-work';
import { deliveryOf, noteEvent } from './support/deliveries.js';
import { contract, type Fixture, fixture, type Instance, type NoteTx, writeNote } from './support/fixture.js';
import { ScriptedBus } from './support/scripted-bus.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());
beforeEach(() => db.sql('TRUNCATE note, messaging.inbox, messaging.outbox, messaging.suspect'));

// Their relays would take each other's events.
const started: Instance[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((instance) => instance.stop()));
});

interface Consuming extends Instance {
  deliver(...deliveries: Delivery[]): Promise<readonly Verdict[]>;
  /** While no transaction can begin. */
  deliverInOutage(...deliveries: Delivery[]): Promise<readonly Verdict[]>;
}

type Handle = (tx: NoteTx, event: DomainEvent) => Promise<void>;

const keepNote: Handle = (tx, event) => writeNote(tx, event.subject);
/** The database is away from here on, for every client, until the next delivery. */
let away = false;
const loseDatabase: Handle = async (tx) => {
  away = true;
  await tx.$queryRawUnsafe('SELECT pg_terminate_backend(pg_backend_pid())');
};

/** Each instance is a process of its own to the others. */
async function consuming(handle: Handle): Promise<Consuming> {
  const bus = new ScriptedBus();
  const instance = db.instance({ bus, isAway: () => away });
  started.push(instance);
  await instance.start({ handlers: [react(contract, 'note.written', { handle })] });
  const deliverWhile =
    (isAway: boolean) =>
    async (...deliveries: Delivery[]) => {
      if (!bus.subscription) throw new Error('not subscribed');
      away = isAway;
      return bus.subscription.handle(deliveries);
    };
  return { ...instance, deliver: deliverWhile(false), deliverInOutage: deliverWhile(true) };
}

const again = (event: DomainEvent): Delivery => ({ ...deliveryOf(event), redelivered: true });
const done = { kind: 'done' };
const crashLoop = { kind: 'dead', reason: 'crash-loop' };

async function namesOf({ id }: DomainEvent): Promise<number> {
  const [row] = await db.sql<{ names: number }>(
    'SELECT cardinality(named_by) AS names FROM messaging.suspect WHERE event_id = $1',
    [id],
  );
  return row?.names ?? 0;
}

/** As `count` processes leave it that ended while they handled the event. */
async function crashedOn({ id }: DomainEvent, count: number): Promise<void> {
  const names = Array.from({ length: count }, () => randomUUID());
  await db.sql(`INSERT INTO messaging.suspect (consumer, event_id, named_by) VALUES ('note', $1, $2)`, [
    id,
    names,
  ]);
}

describe('a redelivered message', () => {
  it('is handled alone after a committed mark, which is removed when the work commits', async () => {
    const [suspect, fresh, other] = ['suspect', 'fresh', 'other'].map((subject) => noteEvent({ subject }));
    if (!suspect || !fresh || !other) throw new Error('never');
    const named: Record<string, number[]> = {};
    const { deliver, client, stats } = await consuming(async (tx, event) => {
      named[event.subject] = [await namesOf(suspect), await namesOf(fresh), await namesOf(other)];
      await keepNote(tx, event);
    });
    expect(await deliver(again(suspect), deliveryOf(fresh), again(other))).toEqual([done, done, done]);
    expect(named).toEqual({ suspect: [1, 0, 0], fresh: [0, 0, 0], other: [0, 0, 1] });
    expect(client.statements.filter((sql) => sql === 'BEGIN')).toHaveLength(3);
    expect(await db.sql('SELECT FROM messaging.suspect')).toEqual([]);
    expect(await db.sql('SELECT FROM messaging.inbox')).toHaveLength(3);
    expect(stats().consumer).toMatchObject({ handled: 3, suspected: 2, crashLoops: 0 });
  });

  it('is given up after three processes crashed on it, and other messages are not', async () => {
    const [crasher, young] = [noteEvent({ subject: 'crasher' }), noteEvent({ subject: 'young' })];
    await crashedOn(crasher, 3);
    await crashedOn(young, 2);
    const { deliver, stats } = await consuming(keepNote);
    const neighbour = noteEvent({ subject: 'neighbour' });
    const verdicts = await deliver(again(crasher), deliveryOf(neighbour), again(young));
    expect(verdicts).toMatchObject([crashLoop, done, done]);
    expect(await db.sql('SELECT id FROM note ORDER BY id')).toEqual([{ id: 'neighbour' }, { id: 'young' }]);
    expect(stats().consumer).toMatchObject({ dead: 1, crashLoops: 1 });
  });

  it('is done if it was handled before, however many marks it has', async () => {
    const event = noteEvent();
    const { deliver } = await consuming(keepNote);
    await deliver(deliveryOf(event));
    await crashedOn(event, 3);
    expect(await deliver(again(event))).toEqual([done]);
    expect(await namesOf(event)).toBe(0);
  });

  it('keeps its marks until its verdict is carried out', async () => {
    const crasher = noteEvent();
    await crashedOn(crasher, 3);
    const first = await consuming(keepNote);
    expect(await first.deliver(again(crasher))).toMatchObject([crashLoop]); // The verdict is lost with the process.
    const second = await consuming(keepNote);
    expect(await second.deliver(again(crasher))).toMatchObject([crashLoop]);
    await second.deliver(deliveryOf(noteEvent()));
    expect(await namesOf(crasher)).toBe(0);
  });

  it.each([
    ['retry', new Error('not now')],
    ['dead', new PermanentError('never')],
  ])('has no marks after the verdict %s, since a failure is no crash', async (kind, error) => {
    const event = noteEvent();
    await crashedOn(event, 2);
    const { deliver } = await consuming(async () => {
      throw error;
    });
    expect(await deliver(again(event))).toMatchObject([{ kind }]);
    expect(await namesOf(event)).toBe(0);
  });
});

describe('a suspect whose handling ends in an outage', () => {
  it('has one mark of a process that survives, however often the database goes away', async () => {
    const event = noteEvent();
    let outages = 2;
    const { deliver, deliverInOutage } = await consuming(async (tx, each) => {
      outages -= 1;
      if (outages >= 0) await loseDatabase(tx, each);
      await keepNote(tx, each);
    });
    for (let left = outages; left > 0; left--) {
      await expect(deliver(again(event))).rejects.toMatchObject({ code: '57P01' });
      expect(await namesOf(event)).toBe(1);
    }
    for (const _outage of [1, 2, 3, 4, 5]) {
      await expect(deliverInOutage(again(event))).rejects.toMatchObject({ code: '57P03' });
      expect(await namesOf(event)).toBe(1);
    }
    expect(await deliver(again(event))).toEqual([done]);
  });

  it('has no mark of a process that survived when another process gets it', async () => {
    const event = noteEvent();
    for (const _process of [1, 2, 3, 4]) {
      const one = await consuming(loseDatabase);
      await expect(one.deliver(again(event))).rejects.toMatchObject({ code: '57P01' });
      await one.stop();
    }
    const next = await consuming(keepNote);
    expect(await next.deliver(again(event))).toEqual([done]);
  });

  it('loses the mark when the process continues with other messages', async () => {
    const event = noteEvent();
    await crashedOn(event, 1);
    let first = true;
    const { deliver } = await consuming(async (tx, each) => {
      if (first) {
        first = false;
        await loseDatabase(tx, each);
      }
    });
    await expect(deliver(again(event))).rejects.toMatchObject({ code: '57P01' });
    expect(await namesOf(event)).toBe(2);
    await deliver(deliveryOf(noteEvent()));
    expect(await namesOf(event)).toBe(1);
  });

  it('keeps its marks if another message of the batch was given up', async () => {
    const [crasher, other] = [noteEvent(), noteEvent()];
    await crashedOn(crasher, 3);
    const { deliver } = await consuming(loseDatabase);
    await expect(deliver(again(crasher), again(other))).rejects.toMatchObject({ code: '57P01' });
    expect(await deliver(again(crasher))).toMatchObject([crashLoop]);
  });
});

describe('an event on the memory bus, which is lost with its process', () => {
  it('is a suspect if a relay had claimed it before', async () => {
    const bus = createMemoryEventBus({ queues: { note: ['note.written'] } });
    const producer = db.instance({ bus, limits: { pollMs: 20 } });
    await producer.uow.run((tx) => writeNote(tx, 'claimed'));
    await db.sql(`UPDATE messaging.outbox SET claimed_until = created_at + interval '1 ms'`);
    await producer.uow.run((tx) => writeNote(tx, 'fresh'));
    let seen = 0;
    const handle: Handle = async () => {
      seen += 1;
    };
    await producer.start({ handlers: [react(contract, 'note.written', { handle })] });
    await eventually(() => expect(producer.stats().consumer).toMatchObject({ handled: 2, suspected: 1 }));
    expect(seen).toBe(2);
    await bus.close();
  });
});
