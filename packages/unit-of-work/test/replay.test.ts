import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventBus, PublishError } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import type { Messaging, RawClient } from '@warren/unit-of-work';
import {
  envelopeFrom,
  erased,
  noteSide,
  readerSide,
  type Side,
  saveNote,
  sharedBus,
} from './support/two-services.js';

describe('replay', () => {
  let note: Side;
  let reader: Side;
  let bus: EventBus;

  beforeEach(async () => {
    [note, reader] = await Promise.all([noteSide(), readerSide()]);
    bus = sharedBus();
  });
  afterEach(async () => {
    await Promise.all([note.close(), reader.close()]);
    await bus.close();
  });

  const copies = (side = reader) => side.sql('SELECT id, version, text FROM note_copy ORDER BY id');
  const effects = (side = reader) => side.sql('SELECT subject FROM effect ORDER BY subject');

  /** Notes whose events are no longer in the outbox. */
  async function oldNotes(count: number): Promise<void> {
    await note.sql(
      `INSERT INTO note SELECT 'old-' || lpad(n::text, 4, '0'), 1, 'old' FROM generate_series(1, $1) n`,
      [count],
    );
  }

  async function completed(side = reader): Promise<void> {
    await eventually(async () => {
      const [row] = await side.sql('SELECT completed_at IS NOT NULL AS done FROM messaging.copy');
      expect(row).toEqual({ done: true });
    });
  }

  /** The shared bus with another `publish`. */
  function publishingBy(publish: EventBus['publish']): EventBus {
    return {
      get state() {
        return bus.state;
      },
      get publishing() {
        return bus.publishing;
      },
      subscribe: (subscription) => bus.subscribe(subscription),
      close: async () => undefined,
      publish,
    };
  }

  /** Lets `count` replayed events through, and fails until `heal`. */
  function failingAfter(count: number): { bus: EventBus; heal(): void } {
    let left = count;
    const failing = publishingBy(async (event) => {
      if (event.to === 'reader' && --left < 0) throw new PublishError('unavailable', 'the broker is away');
      return bus.publish(event);
    });
    return { bus: failing, heal: () => (left = Number.POSITIVE_INFINITY) };
  }

  it('sends every entity, tombstones included, to a service that starts late, without effects', async () => {
    await oldNotes(450);
    await note.sql(`UPDATE note SET version = 2, text = NULL WHERE id = 'old-0007'`);
    await note.start(bus);
    const consumer = await reader.start(bus);
    await completed();
    expect(await copies()).toEqual(
      (await note.sql('SELECT * FROM note ORDER BY id')).map((row) => ({ ...row, text: row.text ?? erased })),
    );
    expect(await effects()).toEqual([]);
    expect(consumer.stats()).toMatchObject({ consumer: { replayed: 450 } });
    await eventually(() => expect(consumer.stats().copiesMissing).toBe(0));
  });

  it('does not replace a newer state of a copy with an older one', async () => {
    const producer = await note.start(bus);
    await reader.start(bus);
    await completed();
    await saveNote(producer, 'a', 5);
    await eventually(async () => expect(await copies()).toHaveLength(1));
    await note.sql(`UPDATE note SET version = 3, text = 'stale'`);
    await reader.sql(
      'UPDATE messaging.copy SET completed_at = NULL, replay_id = gen_random_uuid(), asked_at = NULL',
    );
    await reader.start(bus);
    await completed();
    expect(await copies()).toEqual([{ id: 'a', version: 5, text: 'a' }]);
  });

  it('is requested once for each copy, however many instances start', async () => {
    await oldNotes(3);
    await note.start(bus);
    await Promise.all([reader.start(bus), reader.start(bus)]);
    await completed();
    await reader.start(bus);
    const [{ count }] = (await note.sql('SELECT count(*)::int AS count FROM messaging.replay')) as [
      { count: number },
    ];
    expect(count).toBe(1);
  });

  it('is requested until there is a producer', async () => {
    await oldNotes(3);
    await reader.start(bus, { catchUpPatienceMs: 100 });
    await eventually(async () => {
      const [row] = await reader.sql('SELECT asked_at IS NOT NULL AS asked FROM messaging.copy');
      expect(row).toEqual({ asked: true });
    });
    await note.start(bus);
    await completed();
    expect(await copies()).toHaveLength(3);
  });

  it('continues from the last page in any instance after a crash or an outage', async () => {
    await oldNotes(450);
    const failing = failingAfter(250);
    const first = await note.start(failing.bus);
    await reader.start(bus);
    await eventually(async () => {
      const [job] = await note.sql('SELECT state, sent::int, lease FROM messaging.replay');
      expect(job).toEqual({ state: 'running', sent: 200, lease: null });
    });
    await first.stop();
    await note.sql('UPDATE messaging.replay SET leased_until = now()');
    await note.start(bus);
    await completed();
    expect(await copies()).toHaveLength(450);
    // Told to the reader first, and written down after.
    await eventually(async () => {
      const [job] = await note.sql('SELECT state, sent::int FROM messaging.replay');
      expect(job).toEqual({ state: 'done', sent: 450 });
    });
  });

  it('is requested again if a build copies more than the one before', async () => {
    await note.start(bus);
    await reader.start(bus);
    await completed();
    await oldNotes(3);
    await reader.sql(`UPDATE messaging.copy SET types = '{note.written}'`);
    await reader.start(bus);
    await eventually(async () => expect(await copies()).toHaveLength(3));
  });

  it('fails if the outbox has only a part of the events and there are no snapshots', async () => {
    const { snapshots: _, ...without } = note.options;
    await note.sql(`UPDATE messaging.migration SET applied_at = now() - interval '8 days'`);
    const producer = note.instance(bus);
    await producer.start(without);
    await reader.start(bus);
    await eventually(async () => {
      const [job] = await note.sql('SELECT state, error FROM messaging.replay');
      expect(job).toMatchObject({ state: 'failed', error: expect.stringContaining('outbox is too young') });
    });
    expect(await reader.sql('SELECT source FROM messaging.copy WHERE completed_at IS NOT NULL')).toEqual([]);
  });

  it('sends the events of a lost queue even if an older build treated the request as one for copies', async () => {
    const replayId = '00000000-0000-4000-8000-000000000001';
    const producer = await note.start(bus);
    await reader.start(bus, { catchUpPatienceMs: 100 });
    await completed();
    await saveNote(producer, 'a');
    await eventually(async () => expect(await effects()).toHaveLength(1));
    // As such a build left it: it read of the request what it knew, and announced copies.
    await note.sql(
      `INSERT INTO messaging.replay (id, consumer, source, types, requested_by, state, position, finished_at)
      VALUES ($1, 'reader', 'snapshot', '{note.snapshot}', 'reader', 'done', '{"type":"note.snapshot","after":"z"}',
        now() - interval '6 min')`,
      [replayId],
    );
    await reader.sql('TRUNCATE effect, messaging.inbox');
    await reader.sql(
      `INSERT INTO messaging.recovery (source, types, lost_since, replay_id)
      VALUES ('note', '{note.written,note.snapshot}', now() - interval '1 hour', $1)`,
      [replayId],
    );
    await reader.start(bus, { catchUpPatienceMs: 100 });
    await eventually(async () =>
      expect(await reader.sql('SELECT 1 FROM messaging.recovery WHERE completed_at IS NULL')).toEqual([]),
    );
    expect(await effects()).toEqual([{ subject: 'a' }]);
  });

  it('fails with a reason if the broker refuses one of its events', async () => {
    await oldNotes(3);
    const refusing = publishingBy(async (event) => {
      if (event.to !== 'reader') return bus.publish(event);
      throw new PublishError('refused', 'the broker refused the message: too large');
    });
    await note.start(refusing);
    await reader.start(bus);
    await eventually(async () => {
      const [job] = await note.sql('SELECT state, error FROM messaging.replay');
      expect(job).toEqual({ state: 'failed', error: 'the broker refused the message: too large' });
    });
  });

  it('stops at once, even while the broker confirms nothing', async () => {
    await oldNotes(3);
    let asked = 0;
    const silent = publishingBy((event) => {
      if (event.to !== 'reader') return bus.publish(event);
      asked += 1;
      return new Promise(() => undefined);
    });
    const producer = await note.start(silent);
    await reader.start(bus);
    await eventually(() => expect(asked).toBeGreaterThan(0));
    await producer.stop();
    const [job] = await note.sql('SELECT state, lease FROM messaging.replay');
    expect(job).toEqual({ state: 'running', lease: null });
  });

  it('is complete only if the producer itself says so', async () => {
    await reader.sql(`INSERT INTO messaging.copy (source, types) VALUES ('note', '{note.written}')`);
    const [row] = await reader.sql<{ id: string }>('SELECT replay_id AS id FROM messaging.copy');
    await reader.start(bus);
    const forged = envelopeFrom('other', { replayId: row?.id ?? '', sent: 0 });
    await bus.publish({ ...forged, to: 'reader' });
    expect(await reader.sql('SELECT completed_at FROM messaging.copy')).toEqual([{ completed_at: null }]);
  });

  describe('a replay that an operator requests', () => {
    async function order(job: {
      source: string;
      types?: string[];
      withEffects?: boolean;
      consumer?: string;
    }) {
      const [row] = await note.sql<{ id: string }>(
        `INSERT INTO messaging.replay (consumer, source, types, with_effects, requested_by)
        VALUES ($1, $2, $3, $4, 'test') RETURNING id`,
        [job.consumer ?? 'reader', job.source, job.types ?? null, job.withEffects ?? false],
      );
      return eventually(async () => {
        const [ended] = await note.sql('SELECT state, sent::int, error FROM messaging.replay WHERE id = $1', [
          row?.id,
        ]);
        expect(['done', 'failed']).toContain(ended?.state);
        return ended;
      });
    }

    async function bothUp(): Promise<Messaging<RawClient>> {
      const producer = await note.start(bus);
      await reader.start(bus);
      await completed();
      for (const id of ['a', 'b']) await saveNote(producer, id);
      await eventually(async () => expect(await effects()).toHaveLength(2));
      return producer;
    }

    it('restores a damaged copy from the outbox without repeating an effect', async () => {
      await bothUp();
      await reader.sql('TRUNCATE note_copy');
      expect(await order({ source: 'outbox' })).toEqual({ state: 'done', sent: 2, error: null });
      await eventually(async () => expect(await copies()).toHaveLength(2));
      expect(await effects()).toHaveLength(2);
    });

    it('repeats effects only if asked to, and only of events that the inbox does not have', async () => {
      await bothUp();
      await reader.sql(`DELETE FROM effect WHERE subject = 'a'`);
      await reader.sql(
        `DELETE FROM messaging.inbox WHERE event_id = (SELECT max(event_id) FROM messaging.inbox
        WHERE event_id IN (SELECT id FROM unnest($1::text[]) id))`,
        [
          (
            await note.sql<{ id: string }>(
              `SELECT id FROM messaging.outbox WHERE body::json->>'subject' = 'a'`,
            )
          ).map(({ id }) => id),
        ],
      );
      expect(await order({ source: 'outbox', withEffects: true })).toMatchObject({ state: 'done', sent: 2 });
      await eventually(async () => expect(await effects()).toEqual([{ subject: 'a' }, { subject: 'b' }]));
    });

    it('leaves room on the bus for live events', async () => {
      const producer = await note.start(bus);
      await reader.start(bus);
      await completed();
      await producer.stop();
      await note.sql(
        `INSERT INTO messaging.outbox (id, type, body, published_at)
        SELECT gen_random_uuid(), 'note.erased', '{}', now() FROM generate_series(1, 1000)`,
      );
      let open = 0;
      let most = 0;
      const counting = publishingBy(async () => {
        open += 1;
        most = Math.max(most, open);
        await new Promise(setImmediate);
        open -= 1;
        return 'confirmed';
      });
      await note.start(counting);
      expect(await order({ source: 'outbox', withEffects: true })).toMatchObject({
        state: 'done',
        sent: 1_000,
      });
      expect(most).toBe(200);
    });

    it('sends the requested types', async () => {
      await bothUp();
      expect(await order({ source: 'outbox', types: ['note.erased'] })).toMatchObject({ sent: 0 });
    });

    it.each([
      [{ source: 'outbox', consumer: 'nobody' }, 'nobody has no queue'],
      [{ source: 'snapshot', types: ['note.written'] }, 'this service has no snapshots of these types'],
    ])('records why it failed: %j', async (job, error) => {
      await bothUp();
      expect(await order(job)).toMatchObject({ state: 'failed', error });
    });
  });
});
