import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppError } from '@warren/contracts';
import { checkDomainEvent } from '@warren/contracts/validation';
import type { FeedEntry } from '@warren/unit-of-work';
import { type Fixture, fixture, type NoteTx, noteError, writeNote } from './support/fixture.js';

let db: Fixture;
beforeAll(async () => {
  db = await fixture();
});
afterAll(() => db.close());

describe('one transaction', () => {
  it('writes events and feed entries with one statement before the commit', async () => {
    const { uow, client } = db.instance();
    const value = await uow.run(async (tx) => {
      await writeNote(tx, 'one', ['ann', 'bob']);
      return 42;
    });
    expect(value).toBe(42);
    expect(client.statements.map((sql) => sql.trim().split(/\s/)[0])).toEqual([
      'BEGIN',
      'INSERT',
      'WITH',
      'COMMIT',
    ]);
    expect(await db.sql('SELECT type FROM messaging.outbox')).toEqual([{ type: 'note.written' }]);
    const feeds = await db.sql('SELECT user_id, seq, type, data FROM messaging.feed ORDER BY user_id');
    expect(feeds).toEqual([
      { user_id: 'ann', seq: '1', type: 'note.updated', data: { text: 'one' } },
      { user_id: 'bob', seq: '1', type: 'note.updated', data: { text: 'one' } },
    ]);
  });

  it('sends no further statement if the work publishes and feeds nothing', async () => {
    const { uow, client } = db.instance();
    await uow.run((tx) => tx.$queryRawUnsafe('SELECT 1'));
    expect(client.statements).toEqual(['BEGIN', 'SELECT 1', 'COMMIT']);
  });

  it('writes nothing when the work fails', async () => {
    const { uow, onCommitted } = db.instance();
    const seen: FeedEntry[] = [];
    onCommitted((entries) => seen.push(...entries));
    const failing = uow.run(async (tx) => {
      await writeNote(tx, 'rolled-back', ['rita']);
      throw noteError('note-locked');
    });
    await expect(failing).rejects.toThrow(AppError);
    expect(await db.sql(`SELECT FROM note WHERE id = 'rolled-back'`)).toEqual([]);
    expect(await db.sql(`SELECT FROM messaging.outbox WHERE body LIKE '%rolled-back%'`)).toEqual([]);
    expect(await db.sql(`SELECT FROM messaging.feed_head WHERE user_id = 'rita'`)).toEqual([]);
    expect(seen).toEqual([]);
  });

  it('commits nothing if the table meta is empty', async () => {
    const { uow } = db.instance();
    const meta = await db.sql<{ row: string }>('SELECT meta::text AS row FROM messaging.meta');
    await db.sql('DELETE FROM messaging.meta');
    try {
      await expect(uow.run((tx) => writeNote(tx, 'damaged', ['dora']))).rejects.toThrow('meta is empty');
      expect(await db.sql(`SELECT FROM note WHERE id = 'damaged'`)).toEqual([]);
      expect(await db.sql(`SELECT FROM messaging.feed_head WHERE user_id = 'dora'`)).toEqual([]);
    } finally {
      await db.sql('INSERT INTO messaging.meta SELECT ($1::messaging.meta).*', [meta[0]?.row]);
    }
  });

  it('publishes a complete CloudEvent that names its cause', async () => {
    const { uow } = db.instance();
    const cause = { correlationId: 'c-1', causationId: 'e-1', traceparent: '00-1-2-01' };
    await uow.run((tx) => writeNote(tx, 'caused'), { cause });
    const [row] = await db.sql<{ id: string; body: string }>(
      `SELECT id, body FROM messaging.outbox WHERE body::json->>'subject' = 'caused'`,
    );
    const event = JSON.parse(row?.body ?? '');
    expect(checkDomainEvent(event).ok).toBe(true);
    expect(event).toMatchObject({
      id: row?.id,
      source: '/services/note',
      type: 'note.written',
      dataschema: 'urn:warren:contract:note.written',
      entityversion: 1,
      correlationid: 'c-1',
      causationid: 'e-1',
      traceparent: '00-1-2-01',
      data: { text: 'caused' },
    });
  });

  it('publishes the data as it was when `publish` was called', async () => {
    const { uow, onCommitted } = db.instance();
    const seen: FeedEntry[] = [];
    onCommitted((entries) => seen.push(...entries));
    await uow.run(async (tx) => {
      const data = { text: 'before' };
      tx.feed('cora', { type: 'note.updated', data });
      data.text = 'after';
    });
    expect(seen).toMatchObject([{ userId: 'cora', seq: 1, data: { text: 'before' } }]);
    expect(await db.sql(`SELECT data FROM messaging.feed WHERE user_id = 'cora'`)).toEqual([
      { data: { text: 'before' } },
    ]);
  });

  // Which the compiler refuses where types are known.
  const unknown = 'note.lost' as never;

  it.each<[string, (tx: NoteTx) => void]>([
    ['an unknown event type', (tx) => tx.publish({ type: unknown, subject: 'x', version: 1, data: {} })],
    ['event data', (tx) => tx.publish({ type: 'note.written', subject: 'x', version: 1, data: { text: 1 } })],
    [
      'an event version',
      (tx) => tx.publish({ type: 'note.written', subject: 'x', version: 0, data: { text: '' } }),
    ],
    ['an unknown entry type', (tx) => tx.feed('ann', { type: unknown, data: {} })],
    ['entry data', (tx) => tx.feed('ann', { type: 'note.updated', data: { text: 'x', more: true } })],
    ['an entry id', (tx) => tx.feed('ann', { type: 'note.updated', data: { text: 'x' }, id: 'x' })],
  ])('fails as a whole if %s does not fit the contract', async (_what, misfit) => {
    const { uow } = db.instance();
    const failing = uow.run(async (tx) => {
      await tx.$queryRawUnsafe(`INSERT INTO note (id, text) VALUES ('misfit', '')`);
      misfit(tx);
    });
    await expect(failing).rejects.toThrow(TypeError);
    expect(await db.sql(`SELECT FROM note WHERE id = 'misfit'`)).toEqual([]);
  });

  it('refuses what is published after the transaction ended', async () => {
    const { uow } = db.instance();
    const kept = await uow.run(async (tx) => tx);
    expect(() =>
      kept.publish({ type: 'note.written', subject: 'x', version: 1, data: { text: '' } }),
    ).toThrow(/has ended/);
  });

  it('stays committed if a listener for committed entries throws', async () => {
    const { uow, onCommitted } = db.instance();
    const seen: FeedEntry[][] = [];
    onCommitted(() => {
      throw new Error('broken listener');
    });
    onCommitted((entries) => seen.push(entries));
    await uow.run((tx) => writeNote(tx, 'listened', ['lia']));
    expect(seen).toHaveLength(1);
  });
});

describe('the numbers of a feed', () => {
  it('have no gaps and follow the order of commits under concurrent writers', async () => {
    const { uow, onCommitted, client } = db.instance();
    const seen: FeedEntry[] = [];
    onCommitted((entries) => seen.push(...entries.filter((entry) => entry.userId === 'zoe')));
    let refused = 0;
    const writers = Array.from({ length: 60 }, async (_, index) => {
      const others = index % 2 ? ['zoe', 'yan', 'zoe'] : ['yan', 'zoe', 'xia'];
      const work = uow.run(async (tx) => {
        for (const user of others) tx.feed(user, { type: 'note.updated', data: { text: String(index) } });
        if (index % 7 === 0) throw noteError('note-locked');
      });
      await work.catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        refused += 1;
      });
    });
    await Promise.all(writers);

    const stored = await db.sql<{ seq: string; data: { text: string } }>(
      `SELECT seq, data FROM messaging.feed WHERE user_id = 'zoe' ORDER BY seq`,
    );
    expect(refused).toBe(9);
    // Counters are taken in one order: nobody was aborted for another one. Who was refused had sent nothing.
    expect(client.statements.filter((sql) => sql === 'BEGIN')).toHaveLength(51);
    expect(stored.map((row) => Number(row.seq))).toEqual(stored.map((_, index) => index + 1));
    expect(seen.map((entry) => entry.seq).sort((a, b) => a - b)).toEqual(stored.map((_, index) => index + 1));
    const committed = new Map(seen.map((entry) => [entry.seq, entry.data]));
    for (const row of stored) expect(committed.get(Number(row.seq))).toEqual(row.data);
  });

  it('never become visible while a lower number is missing', async () => {
    const { uow, feeds } = db.instance();
    let writing = true;
    const reader = (async () => {
      while (writing) {
        const { entries, head } = await feeds.read('gap', 0, 1_000);
        expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => index + 1));
        expect(head.seq).toBe(entries.length);
      }
    })();
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => uow.run((tx) => writeNote(tx, `gap-${index}`, ['gap']))),
    );
    writing = false;
    await reader;
    expect((await feeds.head('gap')).seq).toBe(100);
  });
});
