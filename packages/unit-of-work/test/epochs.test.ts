import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LocalPostgres, startLocalPostgres } from '@warren/local-postgres';
import { eventually } from '@warren/testing';
import { migrateMessaging } from '@warren/unit-of-work';
import pg from 'pg';
import { EpochWatch } from '../src/epoch/watch.js';
import { Schema } from '../src/schema/schema.js';
import { quiet } from './support/fixture.js';
import { noteSide, readerSide, type Side, saveNote, sharedBus } from './support/two-services.js';

type Bus = ReturnType<typeof sharedBus>;

describe('a service whose database was restored', () => {
  let note: Side;
  let reader: Side;
  let bus: Bus;
  beforeEach(async () => {
    [note, reader] = await Promise.all([noteSide(), readerSide()]);
    bus = sharedBus();
  });
  afterEach(async () => {
    await Promise.all([note.close(), reader.close()]);
    await bus.close();
  });

  /** As if the rows had been dumped from another cluster. */
  const asRestored = (side: Side) => side.sql(`UPDATE messaging.meta SET system_identifier = '1'`);
  const epochOf = async (side: Side) => (await side.sql('SELECT epoch, entity_epoch FROM messaging.meta'))[0];
  const copies = () => reader.sql('SELECT id, version, text FROM note_copy ORDER BY id');

  /** The entries of a feed up to `seq`, as far as they are not there. */
  async function feedOf(user: string, seq: number): Promise<void> {
    await note.sql(
      `INSERT INTO messaging.feed (user_id, seq, type, id, time, data)
      SELECT $1, n, 'note.updated', gen_random_uuid(), now(), '{}' FROM generate_series(1, $2::int) n
      ON CONFLICT DO NOTHING`,
      [user, seq],
    );
    await note.sql(
      `INSERT INTO messaging.feed_head (user_id, seq) VALUES ($1, $2)
      ON CONFLICT (user_id) DO UPDATE SET seq = excluded.seq`,
      [user, seq],
    );
  }

  it('keeps its epoch when it restarts on the same cluster', async () => {
    await note.start(bus);
    const before = await epochOf(note);
    await note.start(bus);
    expect(await epochOf(note)).toEqual(before);
    expect(before).toMatchObject({ entity_epoch: 0 });
  });

  it('begins one epoch at its next start, however many instances start', async () => {
    await note.start(bus);
    const before = await epochOf(note);
    await asRestored(note);
    await Promise.all([note.start(bus), note.start(bus)]);
    const after = await epochOf(note);
    expect(after).toMatchObject({ entity_epoch: 1 });
    expect(after?.epoch).not.toBe(before?.epoch);
  });

  it('begins an epoch while it runs after a failover', async () => {
    await note.start(bus, { epochCheckMs: 50 });
    await asRestored(note);
    await eventually(async () => expect(await epochOf(note)).toMatchObject({ entity_epoch: 1 }));
  });

  it('hazard: its events are ignored by copies in other services if it begins no epoch', async () => {
    const producer = await note.start(bus);
    await reader.start(bus);
    await saveNote(producer, 'a', 9, 'lost');
    await eventually(async () => expect(await copies()).toEqual([{ id: 'a', version: 9, text: 'lost' }]));
    await saveNote(producer, 'a', 6, 'restored');
    await saveNote(producer, 'b', 1, 'later');
    await eventually(async () => expect(await copies()).toHaveLength(2));
    expect((await copies())[0]).toEqual({ id: 'a', version: 9, text: 'lost' });
  });

  it('publishes events that outrank all earlier ones, and other services request their copies again', async () => {
    const first = await note.start(bus);
    await reader.start(bus, { catchUpPatienceMs: 100 });
    for (const id of ['a', 'b']) await saveNote(first, id, 9, 'lost');
    await eventually(async () => expect(await copies()).toHaveLength(2));
    await first.stop();

    await note.sql(`UPDATE note SET version = 5, text = 'backup'`);
    await asRestored(note);
    const restored = await note.start(bus);
    await saveNote(restored, 'a', 6, 'changed');
    await eventually(async () =>
      expect(await copies()).toEqual([
        { id: 'a', version: 6, text: 'changed' },
        // It did not change since: only a replay could say so.
        { id: 'b', version: 5, text: 'backup' },
      ]),
    );
  });

  it('requests its own copies again from their sources', async () => {
    const producer = await note.start(bus);
    const consumer = await reader.start(bus);
    await saveNote(producer, 'a', 1, 'kept');
    await saveNote(producer, 'b', 1, 'after the backup');
    await eventually(async () => expect(await copies()).toHaveLength(2));
    await consumer.stop();
    await reader.sql(`DELETE FROM note_copy WHERE id = 'b'`);
    await asRestored(reader);
    await reader.start(bus);
    await eventually(async () => expect(await copies()).toHaveLength(2));
  });

  it('reruns a transaction whose events have the epoch before, so that none of them is published', async () => {
    const producer = await note.start(bus, { epochCheckMs: 60_000 });
    await note.sql('SELECT messaging.begin_epoch()');
    await saveNote(producer, 'a', 1, 'first');
    const [row] = await note.sql(`SELECT body::json->'entityepoch' AS epoch FROM messaging.outbox`);
    expect(row).toEqual({ epoch: 1 });
  });

  it('refuses a cursor of an earlier epoch, even if the feed has grown past it', async () => {
    const { feeds } = await note.start(bus);
    await feedOf('ann', 10);
    const { cursor } = await feeds.head('ann');
    await note.sql('DELETE FROM messaging.feed WHERE seq > 7');
    await feedOf('ann', 12);
    // The hazard: it is followed, and 8 to 10 of the new state are never sent.
    expect(await feeds.resolve('ann', cursor)).toMatchObject({ ok: true, seq: 10 });
    await asRestored(note);
    await note.start(bus);
    expect(await feeds.resolve('ann', cursor)).toMatchObject({ ok: false, reason: 'epoch' });
  });
});

describe('a recovery from a base backup', () => {
  let folder: string;
  const running: LocalPostgres[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-epochs-'));
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(name: string): Promise<LocalPostgres> {
    const server = await startLocalPostgres({ folder: join(folder, name), durable: false });
    running.push(server);
    return server;
  }

  /** What one service notes at its start on this server. */
  async function epochAfterCheck(server: LocalPostgres): Promise<number> {
    const pool = new pg.Pool({ connectionString: server.url('postgres') });
    pool.on('error', () => undefined);
    try {
      // Recovery takes connections before it is over.
      await eventually(
        async () =>
          expect((await pool.query('SELECT pg_is_in_recovery() AS in_recovery')).rows).toEqual([
            { in_recovery: false },
          ]),
        { within: 60_000 },
      );
      await migrateMessaging(pool);
      const epoch = { current: -1 };
      const limits = { epochCheckMs: 60_000 };
      const watch = new EpochWatch({
        pool,
        schema: new Schema(),
        epoch,
        onBegun: () => undefined,
        limits,
        log: quiet,
      });
      await watch.start();
      await watch.stop();
      return epoch.current;
    } finally {
      await pool.end();
    }
  }

  it('begins an epoch, since it begins a timeline', async () => {
    const original = await start('original');
    expect(await epochAfterCheck(original)).toBe(0);
    await original.stop();
    await cp(join(folder, 'original'), join(folder, 'copy'), { recursive: true, preserveTimestamps: true });
    const data = join(folder, 'copy/data');
    await writeFile(join(data, 'recovery.signal'), '');
    await writeFile(join(data, 'postgresql.auto.conf'), "restore_command = 'false'\n");
    expect(await epochAfterCheck(await start('copy'))).toBe(1);
  }, 180_000);
});
