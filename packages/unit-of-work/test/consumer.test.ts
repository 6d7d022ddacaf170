import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type DomainEvent, PermanentError } from '@warren/contracts';
import type { Delivery, Verdict } from '@warren/event-bus';
import { gate } from '@warren/testing';
import { type EventHandler, project, react } from '@warren/unit-of-work';
import { deliveryOf, noteEvent } from './support/deliveries.js';
import { contract, type Fixture, fixture, type Instance, type NoteTx, writeNote } from './support/fixture.js';
import { ScriptedBus } from './support/scripted-bus.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.sql('TRUNCATE note, messaging.inbox, messaging.outbox, messaging.feed, messaging.feed_head');
});

interface Consuming extends Instance {
  deliver(...deliveries: (Delivery | DomainEvent)[]): Promise<readonly Verdict[]>;
}

type Handle = (tx: NoteTx, event: DomainEvent) => Promise<void>;

const keepNote: Handle = (tx, event) => writeNote(tx, event.subject, ['ann']);

async function consuming(handle: Handle, more: EventHandler<NoteTx>[] = []): Promise<Consuming> {
  const bus = new ScriptedBus();
  const instance = db.instance({ bus });
  await instance.start({ handlers: [react(contract, 'note.written', { handle }), ...more] });
  return {
    ...instance,
    async deliver(...deliveries) {
      if (!bus.subscription) throw new Error('not subscribed');
      return bus.subscription.handle(deliveries.map((each) => ('body' in each ? each : deliveryOf(each))));
    },
  };
}

const done = { kind: 'done' };
const times = async (id: string) =>
  (await db.sql<{ times: number }>('SELECT times FROM note WHERE id = $1', [id]))[0]?.times;

describe('an event that is delivered twice', () => {
  it('hazard: has its effect twice without the inbox', async () => {
    const { client } = db.instance();
    for (const _delivery of [1, 2]) {
      await client.$transaction((tx) =>
        tx.$queryRawUnsafe(
          `INSERT INTO note VALUES ('raw', '') ON CONFLICT (id) DO UPDATE SET times = note.times + 1`,
        ),
      );
    }
    expect(await times('raw')).toBe(2);
  });

  it('guard: has no second effect after a crash between commit and acknowledgement', async () => {
    const event = noteEvent({ subject: 'n1' });
    const first = await consuming(keepNote);
    await first.deliver(event); // The verdict is lost with the process.
    const second = await consuming(keepNote);
    expect(await second.deliver({ ...deliveryOf(event), redelivered: true })).toEqual([done]);
    expect(await times('n1')).toBe(1);
    expect(await db.sql('SELECT FROM messaging.outbox')).toHaveLength(1);
    expect((await second.feeds.head('ann')).seq).toBe(1);
    expect(second.stats().consumer?.duplicates).toBe(1);
  });

  it('guard: has one effect if it is twice in one batch', async () => {
    const { deliver } = await consuming(keepNote);
    const event = noteEvent({ subject: 'n2' });
    expect(await deliver(event, event, noteEvent({ subject: 'other' }))).toEqual([done, done, done]);
    expect(await times('n2')).toBe(1);
  });

  it('guard: has one effect if two instances handle it at the same time', async () => {
    const event = noteEvent({ subject: 'n3' });
    const bothIn = gate();
    let inside = 0;
    const slow: Handle = async (tx, each) => {
      inside += 1;
      if (inside === 2) bothIn.open();
      await bothIn.opened;
      await keepNote(tx, each);
    };
    const [a, b] = [await consuming(slow), await consuming(slow)];
    expect(await Promise.all([a.deliver(event), b.deliver(event)])).toEqual([[done], [done]]);
    expect(await times('n3')).toBe(1);
    expect((await a.feeds.head('ann')).seq).toBe(1);
  });
});

describe('a batch of events', () => {
  it('is handled in one transaction: opening statement, work, final statement, commit', async () => {
    const { deliver, client } = await consuming(keepNote);
    await deliver(...['a', 'b', 'c'].map((subject) => noteEvent({ subject })));
    const kinds = client.statements.map((sql) => sql.trim().split(/\s/)[0]);
    expect(kinds).toEqual(['BEGIN', 'WITH', 'INSERT', 'INSERT', 'INSERT', 'WITH', 'COMMIT']);
  });

  it('commits all events except one that fails, and nothing of what that one published', async () => {
    const { deliver, feeds, stats } = await consuming(async (tx, event) => {
      await keepNote(tx, event);
      if (event.subject === 'bad') throw new Error('made up');
    });
    const verdicts = await deliver(
      noteEvent({ subject: 'good-1' }),
      noteEvent({ subject: 'bad' }),
      noteEvent({ subject: 'good-2' }),
    );
    expect(verdicts).toMatchObject([done, { kind: 'retry', error: { message: 'made up' } }, done]);
    expect(await db.sql('SELECT id, times FROM note ORDER BY id')).toEqual([
      { id: 'good-1', times: 1 },
      { id: 'good-2', times: 1 },
    ]);
    expect(await db.sql('SELECT FROM messaging.outbox')).toHaveLength(2);
    expect(await db.sql('SELECT FROM messaging.inbox')).toHaveLength(2);
    expect((await feeds.read('ann', 0, 10)).entries.map((entry) => entry.seq)).toEqual([1, 2]);
    expect(stats().consumer).toMatchObject({ split: 1, handled: 2, retried: 1 });
  });

  it('is handled by every handler of its type', async () => {
    const also = project(contract, 'note.written', {
      handle: (tx: NoteTx, event) => writeNote(tx, `${event.subject}-copy`),
    });
    const { deliver } = await consuming(keepNote, [also]);
    await deliver(noteEvent({ subject: 'n4' }));
    expect([await times('n4'), await times('n4-copy')]).toEqual([1, 1]);
  });

  it('passes the correlation of an event on to the events that its handler publishes', async () => {
    const { deliver } = await consuming(keepNote);
    const event = { ...noteEvent(), traceparent: '00-a-b-01' };
    await deliver(event);
    const [row] = await db.sql<{ body: string }>('SELECT body FROM messaging.outbox');
    expect(JSON.parse(row?.body ?? '')).toMatchObject({
      correlationid: 'chain-1',
      causationid: event.id,
      traceparent: '00-a-b-01',
    });
  });
});

describe('an event that can not be handled', () => {
  const reasons: [string, Partial<Delivery>, object][] = [
    ['no JSON', { body: '{' }, { kind: 'dead', reason: 'malformed' }],
    ['no envelope', { body: '[]' }, { kind: 'dead', reason: 'schema' }],
    [
      'a part missing',
      { body: JSON.stringify({ ...noteEvent(), subject: undefined }) },
      { kind: 'dead', reason: 'schema' },
    ],
    [
      'data that misfits',
      { body: JSON.stringify(noteEvent({ data: { text: 1 } })) },
      { kind: 'dead', reason: 'schema' },
    ],
    ['an unknown type', { ...deliveryOf(noteEvent({ type: 'note.folded' })) }, { kind: 'retry' }],
    [
      'an unknown type after all retries',
      { ...deliveryOf(noteEvent({ type: 'note.folded' }), 6) },
      { kind: 'dead', reason: 'unhandled-type' },
    ],
    [
      'an event that was sent as another type, which the broker let pass',
      { type: 'other.event' },
      { kind: 'dead', reason: 'schema' },
    ],
    [
      'an event of a service under the name of another one',
      { body: JSON.stringify({ ...noteEvent(), source: '/services/other' }) },
      { kind: 'dead', reason: 'schema' },
    ],
  ];
  it.each(reasons)('gets its verdict and does not delay other events: %s', async (_what, change, verdict) => {
    const { deliver } = await consuming(keepNote);
    const good = noteEvent({ subject: 'neighbour' });
    expect(await deliver({ ...deliveryOf(noteEvent()), ...change }, good)).toMatchObject([verdict, done]);
    expect(await times('neighbour')).toBe(1);
  });

  it('accepts data with fields that a newer producer added', async () => {
    const { deliver } = await consuming(keepNote);
    const newer = noteEvent({ subject: 'newer', data: { text: 'x', colour: 'red' } });
    expect(await deliver(newer)).toEqual([done]);
  });

  it('becomes a dead letter at once after a PermanentError', async () => {
    const { deliver } = await consuming(async () => {
      throw new PermanentError('never');
    });
    expect(await deliver(noteEvent())).toMatchObject([{ kind: 'dead', reason: 'permanent' }]);
  });

  it('has no handler for a type that the contract neither emits nor accepts', () => {
    const other = 'note.unheard' as 'note.written';
    expect(() => react(contract, other, { handle: async () => undefined })).toThrow(
      'note neither emits nor accepts note.unheard',
    );
  });
});

describe('a failed connection in a handler', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

  it('counts as a failure of the event if the database is available', async () => {
    const { deliver } = await consuming(async () => {
      throw refused;
    });
    expect(await deliver(noteEvent())).toMatchObject([{ kind: 'retry' }]);
  });

  it('gives no verdict if the database is away', async () => {
    let isAway = false;
    const bus = new ScriptedBus();
    const handle: Handle = async (tx) => {
      isAway = true;
      await tx.$queryRawUnsafe('SELECT pg_terminate_backend(pg_backend_pid())');
    };
    await db
      .instance({ bus, isAway: () => isAway })
      .start({ handlers: [react(contract, 'note.written', { handle })] });
    const deliveries = [noteEvent(), noteEvent()].map((event) => deliveryOf(event));
    await expect(bus.subscription?.handle(deliveries)).rejects.toMatchObject({ code: '57P01' });
  });
});
