import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { Retention } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import { type Fixture, fixture, type Instance, quiet, writeNote } from './support/fixture.js';

describe('erasing a user', () => {
  let db: Fixture;
  let instance: Instance;
  beforeAll(async () => {
    db = await fixture();
    instance = db.instance();
  });
  afterAll(() => db.close());

  const leftOf = async (user: string) => {
    const [row] = await db.sql(
      `SELECT (SELECT count(*)::int FROM messaging.feed WHERE user_id = $1) AS feed,
        (SELECT count(*)::int FROM messaging.idempotency WHERE user_id = $1) AS idempotency,
        (SELECT count(*)::int FROM messaging.outbox WHERE about = $1) AS outbox`,
      [user],
    );
    return row;
  };

  async function lively(user: string): Promise<string> {
    await instance.uow.run(async (tx) => {
      await writeNote(tx, 'note', [user]);
      tx.publish({
        type: 'note.written',
        subject: uuidv7(),
        version: 1,
        data: { text: 'mine' },
        about: user,
      });
    });
    await db.sql('UPDATE messaging.outbox SET published_at = now() WHERE about = $1', [user]);
    const once = { userId: user, operation: 'note', key: 'k1', input: {} };
    await instance.uow.once(once, async () => ({ record: 'secret', result: undefined }));
    expect(await leftOf(user)).toEqual({ feed: 1, idempotency: 1, outbox: 1 });
    return (await instance.feeds.head(user)).cursor;
  }

  it('deletes everything of that user and nothing of other users', async () => {
    const [gone, stays] = [uuidv7(), uuidv7()];
    await lively(gone);
    await lively(stays);
    await instance.uow.run(async (tx) => tx.erase(gone));
    expect(await leftOf(gone)).toEqual({ feed: 0, idempotency: 0, outbox: 0 });
    expect(await leftOf(stays)).toEqual({ feed: 1, idempotency: 1, outbox: 1 });
  });

  describe('erasing a user whose personal data is in the feed of another user', () => {
    const tell = (reader: string, author: string, text: string) =>
      instance.uow.run(async (tx) => {
        tx.feed(reader, { type: 'note.updated', data: { text: 'of nobody' } });
        const personal = { userId: author, fields: ['text'] };
        tx.feed(reader, { type: 'note.updated', data: { text }, personal });
      });
    const textsOf = async (reader: string) =>
      (
        await db.sql(
          "SELECT seq::int, data->>'text' AS text FROM messaging.feed WHERE user_id = $1 ORDER BY seq",
          [reader],
        )
      ).map(({ seq, text }) => [seq, text]);
    const personalRows = async (reader: string) =>
      (await db.sql('SELECT 1 FROM messaging.feed_personal WHERE user_id = $1', [reader])).length;

    it('removes that data, and keeps the entries, their numbers and the data of other people', async () => {
      const [gone, stays, reader] = [uuidv7(), uuidv7(), uuidv7()];
      await tell(reader, gone, 'mine');
      await tell(reader, stays, 'theirs');
      const { cursor } = await instance.feeds.head(reader);
      await instance.uow.run(async (tx) => tx.erase(gone));
      expect(await textsOf(reader)).toEqual([
        [1, 'of nobody'],
        [2, null],
        [3, 'of nobody'],
        [4, 'theirs'],
      ]);
      expect((await instance.feeds.head(reader)).cursor).toBe(cursor);
      expect(await personalRows(reader)).toBe(1);
      await instance.uow.run(async (tx) => tx.erase(reader));
      expect(await personalRows(reader)).toBe(0);
    });

    it('removes it also from entries of the same transaction, and refuses later ones', async () => {
      const [gone, reader] = [uuidv7(), uuidv7()];
      const personal = { userId: gone, fields: ['text'] };
      const entry = { type: 'note.updated', data: { text: 'mine' }, personal } as const;
      await instance.uow.run(async (tx) => {
        tx.feed(reader, entry);
        tx.erase(gone);
      });
      expect(await textsOf(reader)).toEqual([[1, null]]);
      const late = instance.uow.run(async (tx) => {
        tx.erase(gone);
        tx.feed(reader, entry);
      });
      await expect(late).rejects.toThrow('erased in the same transaction');
    });
  });

  it('makes the cursors of that user unusable', async () => {
    const user = uuidv7();
    const cursor = await lively(user);
    await instance.uow.run(async (tx) => tx.erase(user));
    expect(await instance.feeds.resolve(user, cursor)).toMatchObject({ ok: false, reason: 'epoch' });
  });

  it('drops what the same transaction published for that user before, and refuses more', async () => {
    const user = uuidv7();
    await instance.uow.run(async (tx) => {
      await writeNote(tx, 'note', [user]);
      tx.erase(user);
      tx.publish({ type: 'note.erased', subject: user, version: 2, data: { text: 'gone' } });
    });
    expect(await leftOf(user)).toEqual({ feed: 0, idempotency: 0, outbox: 0 });
    const late = instance.uow.run(async (tx) => {
      tx.erase(user);
      await writeNote(tx, 'note', [user]);
    });
    await expect(late).rejects.toThrow('erased in the same transaction');
  });

  it("waits for a transaction that writes to the user's feed, and deletes its entries too", async () => {
    const user = uuidv7();
    await lively(user);
    const client = await db.pool.connect();
    await client.query('BEGIN');
    await client.query('UPDATE messaging.feed_head SET seq = seq + 1 WHERE user_id = $1', [user]);
    await client.query(
      `INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
       SELECT $1, seq, 'note.updated', gen_random_uuid(), now(), '{}' FROM messaging.feed_head WHERE user_id = $1`,
      [user],
    );
    const erased = instance.uow.run(async (tx) => tx.erase(user));
    await eventually(async () => {
      // Not `pg_locks`: there, a wait for another transaction belongs to no database.
      const waiting = await db.sql(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      expect(waiting.length).toBeGreaterThan(0);
    });
    await client.query('COMMIT');
    client.release();
    await erased;
    expect(await leftOf(user)).toMatchObject({ feed: 0 });
  });

  it('keeps events about the user until they are published, however long that takes', async () => {
    const user = uuidv7();
    await instance.uow.run(async (tx) => {
      tx.publish({ type: 'note.written', subject: user, version: 1, data: { text: 'mine' }, about: user });
    });
    await instance.uow.run(async (tx) => tx.erase(user));
    await db.sql(`UPDATE messaging.erased SET erased_at = now() - interval '1 year' WHERE user_id = $1`, [
      user,
    ]);
    const retention = new Retention({ pool: db.pool, log: quiet });
    await retention.round();
    expect(await leftOf(user)).toMatchObject({ outbox: 1 });
    await db.sql('UPDATE messaging.outbox SET published_at = now() WHERE about = $1', [user]);
    await retention.round();
    expect(await leftOf(user)).toMatchObject({ outbox: 0 });
    expect(await db.sql('SELECT FROM messaging.erased WHERE user_id = $1', [user])).toHaveLength(0);
  });

  it('commits with its transaction or not at all', async () => {
    const user = uuidv7();
    await lively(user);
    const failed = instance.uow.run(async (tx) => {
      tx.erase(user);
      throw new Error('on purpose');
    });
    await expect(failed).rejects.toThrow('on purpose');
    expect(await leftOf(user)).toEqual({ feed: 1, idempotency: 1, outbox: 1 });
  });
});
