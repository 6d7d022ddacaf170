import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { QueueWatch } from '@warren/event-bus';
import { createQueueWatch } from '../src/inbox/queue-watch.js';
import { createReplayRequests } from '../src/replay/requests.js';
import { Schema } from '../src/schema/schema.js';
import { type Fixture, fixture, quiet } from './support/fixture.js';
import { dayMs, hourMs, oldHandled } from './support/old-rows.js';

interface Recovery {
  source: string;
  types: string[];
  lost_since: Date;
  replay_id: string;
  completed_at: Date | null;
}

describe('the queue watch', () => {
  let db: Fixture;
  let woken: number;
  beforeAll(async () => {
    db = await fixture();
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    woken = 0;
    await db.sql('TRUNCATE messaging.queue, messaging.recovery, messaging.inbox, messaging.copy');
  });

  function instance(types: readonly string[] = ['note.written', 'other.done', 'other.undone']): QueueWatch {
    const onWhole = () => {
      woken += 1;
    };
    return createQueueWatch({
      service: 'note',
      types,
      pool: db.pool,
      schema: new Schema(),
      onWhole,
      limits: { outboxDays: 7 },
      log: quiet,
    });
  }

  const recoveries = () => db.sql<Recovery>('SELECT * FROM messaging.recovery ORDER BY source');
  const wholeAt = async (ms: number) =>
    db.sql(
      `INSERT INTO messaging.queue VALUES ('note', 0, $1)
      ON CONFLICT (service) DO UPDATE SET whole_at = excluded.whole_at`,
      [new Date(ms)],
    );

  it('requests nothing if the queue was never seen and nothing was handled', async () => {
    const look = await instance().look();
    await look.lost();
    await look.whole();
    expect(await recoveries()).toEqual([]);
    expect(woken).toBe(0);
  });

  it('requests events from each producer from one hour before the newest handled one', async () => {
    const handled = Date.now() - 5 * hourMs;
    await oldHandled(db, new Date(handled));
    await wholeAt(Date.now());
    const look = await instance().look();
    await look.lost();
    const since = new Date(handled - hourMs);
    expect(await recoveries()).toMatchObject([
      { source: 'note', types: ['note.written'], lost_since: since },
      { source: 'other', types: ['other.done', 'other.undone'], lost_since: since },
    ]);
    expect(woken).toBe(0);
    await look.whole();
    expect(woken).toBe(1);
  });

  it('requests events from one hour before the queue was last whole, if that is earlier', async () => {
    const whole = Date.now() - dayMs;
    await oldHandled(db, new Date());
    await wholeAt(whole);
    await (await instance().look()).lost();
    expect((await recoveries())[0]?.lost_since).toEqual(new Date(whole - hourMs));
  });

  it('ignores handled events whose id is no UUIDv7', async () => {
    const handled = Date.now() - 2 * hourMs;
    await oldHandled(db, new Date(handled));
    await oldHandled(db, new Date(), new Date(), 'zzz');
    await wholeAt(Date.now());
    await (await instance().look()).lost();
    expect((await recoveries())[0]?.lost_since).toEqual(new Date(handled - hourMs));
  });

  it('does not record the queue as whole after a check that began before another instance recorded a loss', async () => {
    await oldHandled(db, new Date());
    const before = new Date(Date.now() - hourMs);
    await wholeAt(before.getTime());
    const early = await instance().look();
    const other = await instance().look();
    await other.lost();
    await early.whole();
    expect(await db.sql('SELECT whole_at FROM messaging.queue')).toEqual([{ whole_at: before }]);
    await other.whole();
    const [row] = await db.sql<{ whole_at: Date }>('SELECT whole_at FROM messaging.queue');
    expect(row?.whole_at.getTime()).toBeGreaterThan(before.getTime());
  });

  it('treats a restored database as a loss, since it lacks what was handled since the backup', async () => {
    await (await instance().look()).whole();
    const backup = Date.now() - 2 * hourMs;
    await oldHandled(db, new Date(backup));
    await wholeAt(backup);
    await db.sql('SELECT messaging.begin_epoch()');
    const watch = instance();
    const look = await watch.look();
    expect((await recoveries())[0]?.lost_since).toEqual(new Date(backup - hourMs));
    await look.whole();
    expect(woken).toBe(1);
    await (await watch.look()).whole();
    expect(woken).toBe(1);
  });

  it('lets no instance ask producers before the queue is bound again', async () => {
    await oldHandled(db, new Date());
    const requests = createReplayRequests(db.pool, new Schema(), 'recovery');
    const sources = async () => (await requests.due(0)).map(({ source }) => source).sort();
    const look = await instance().look();
    await look.lost();
    expect(await requests.open()).toBe(2);
    expect(await sources()).toEqual([]);
    // As where a request was under way when the queue was lost.
    await requests.retry('note', { patienceMs: 0, afterMs: 0 });
    expect(await sources()).toEqual([]);
    await look.whole();
    expect(await sources()).toEqual(['note', 'other']);
    await (await instance().look()).whole();
    expect((await requests.due(60_000)).map(({ source }) => source)).toEqual([]);
  });

  it('records a loss once if several instances see it at the same time', async () => {
    await oldHandled(db, new Date());
    const looks = await Promise.all(Array.from({ length: 5 }, () => instance().look()));
    await Promise.all(looks.map((look) => look.lost()));
    expect(await db.sql('SELECT generation::int FROM messaging.queue')).toEqual([{ generation: 1 }]);
  });

  it('records a loss while other instances still see the queue whole', async () => {
    await oldHandled(db, new Date());
    const looking = await instance().look();
    await (await instance().look()).whole();
    await looking.lost();
    expect(await recoveries()).toHaveLength(2);
  });

  it('keeps the earlier time and all types if a second loss comes before the first is recovered', async () => {
    const handled = Date.now() - 3 * hourMs;
    await oldHandled(db, new Date(handled));
    const first = await instance().look();
    await first.lost();
    await first.whole();
    const [before] = await recoveries();
    await oldHandled(db, new Date());
    await (await instance(['note.erased']).look()).lost();
    const [after] = await recoveries();
    expect(after).toMatchObject({ lost_since: before?.lost_since, types: ['note.erased', 'note.written'] });
    expect(after?.replay_id).not.toBe(before?.replay_id);
  });

  it('requests events from the new time if the first loss was recovered', async () => {
    await oldHandled(db, new Date(Date.now() - 3 * hourMs));
    await (await instance().look()).lost();
    await db.sql('UPDATE messaging.recovery SET completed_at = now()');
    const handled = Date.now();
    await oldHandled(db, new Date(handled));
    await (await instance().look()).lost();
    expect(await recoveries()).toMatchObject([
      { lost_since: new Date(handled - hourMs), completed_at: null },
      { completed_at: null },
    ]);
  });

  it('requests copies again only if the loss is older than what outboxes keep', async () => {
    await db.sql(
      `INSERT INTO messaging.copy (source, types, completed_at) VALUES ('other', '{other.done}', now())`,
    );
    const open = () => db.sql('SELECT 1 FROM messaging.copy WHERE completed_at IS NULL');
    await oldHandled(db, new Date(Date.now() - 6 * dayMs));
    await (await instance().look()).lost();
    expect(await open()).toEqual([]);
    await db.sql('TRUNCATE messaging.inbox');
    await oldHandled(db, new Date(Date.now() - 8 * dayMs));
    await (await instance().look()).lost();
    expect(await open()).toHaveLength(1);
  });
});
