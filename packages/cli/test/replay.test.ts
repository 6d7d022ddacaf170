import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { noteSide, readerSide, type Side, sharedBus } from '../../unit-of-work/test/support/two-services.js';
import { follow } from '../src/replay/follow.js';
import { warren } from './support/cli.js';
import { idOf } from './support/database.js';

describe('warren replay', () => {
  let note: Side;
  let reader: Side;

  beforeAll(async () => {
    [note, reader] = await Promise.all([noteSide(), readerSide()]);
  });
  afterAll(() => Promise.all([note.close(), reader.close()]));
  beforeEach(async () => {
    await note.sql('TRUNCATE messaging.outbox, messaging.replay');
  });

  const run = (line: string, signal?: AbortSignal) =>
    warren(
      `replay --service note --to reader ${line}`.trim(),
      { DATABASE_URL: note.database.url },
      { signal },
    );

  const write = (type: string, createdAt = 'now()') =>
    note.sql(
      `INSERT INTO messaging.outbox (id, type, body, created_at) VALUES ($1, $2, '{}', ${createdAt})`,
      [idOf(), type],
    );

  const asked = () =>
    note.sql('SELECT consumer, source, types, since, with_effects, state FROM messaging.replay');

  it('counts the events that a replay would send in a dry run, and requests no replay', async () => {
    await write('note.written', `now() - interval '3 days'`);
    await write('note.written');
    await write('note.erased');
    const counted = async (line: string) => (await run(`--dry-run --json ${line}`.trim())).json;
    expect(await counted('')).toEqual([{ dryRun: true, events: 3 }]);
    expect(await counted('--types note.written')).toEqual([{ dryRun: true, events: 2 }]);
    expect(await counted('--types note.written,note.erased --since 2d')).toEqual([
      { dryRun: true, events: 2 },
    ]);
    expect(await asked()).toEqual([]);
  });

  it('requests a replay with the given options, and reports when it is not done in time', async () => {
    const ran = await run('--types note.written --since 2026-01-31T08:00:00Z --with-effects --timeout 1s');
    expect(ran.code).toBe(1);
    expect(ran.err.at(-1)).toMatch(
      /^warren: replay .* is not done after \d+ s; it continues in the service$/,
    );
    expect(await asked()).toEqual([
      {
        consumer: 'reader',
        source: 'outbox',
        types: ['note.written'],
        since: new Date('2026-01-31T08:00:00Z'),
        with_effects: true,
        state: 'waiting',
      },
    ]);
  });

  it('leaves the replay in place when it is interrupted', async () => {
    const stop = new AbortController();
    const running = run('', stop.signal);
    await eventually(async () => expect(await asked()).toHaveLength(1));
    stop.abort();
    const { code, err } = await running;
    expect([code, err.at(-1)]).toEqual([
      1,
      expect.stringMatching(/interrupted; replay .* continues in the service/),
    ]);
    expect(await asked()).toMatchObject([{ state: 'waiting' }]);
  });

  it('reports why a replay failed', async () => {
    const running = run('');
    await eventually(async () => expect(await asked()).toHaveLength(1));
    await note.sql(`UPDATE messaging.replay SET state = 'failed', error = 'reader has no queue'`);
    const { code, err } = await running;
    expect([code, err.at(-1)]).toEqual([1, expect.stringMatching(/failed: reader has no queue$/)]);
  });

  it('refuses the database of another service', async () => {
    await write('payment.succeeded');
    const { code, err } = await run('');
    expect([code, err]).toEqual([1, ['warren: DATABASE_URL is the database of payment, not of note']]);
    expect(await asked()).toEqual([]);
  });

  it('follows a replay until the running service has sent everything', async () => {
    const bus = sharedBus();
    const messaging = await note.start(bus);
    await reader.start(bus);
    await messaging.uow.run(async (tx) => {
      await tx.$queryRawUnsafe(`INSERT INTO note VALUES ('n', 1, 'hello') RETURNING 1`);
      await tx.publish({ type: 'note.written', subject: 'n', version: 1, data: { text: 'hello' } });
    });
    const copies = () => reader.sql('SELECT id, text FROM note_copy');
    await eventually(async () => expect(await copies()).toEqual([{ id: 'n', text: 'hello' }]));
    for (const how of ['', '--snapshot']) {
      await reader.sql('DELETE FROM note_copy');
      const ran = await run(`--json ${how}`.trim());
      expect([ran.code, ran.json]).toEqual([0, [{ id: expect.any(String), state: 'done', sent: 1 }]]);
      expect(ran.audit).toMatchObject([
        { command: 'replay', service: 'note', type: '*', outcome: 'requested' },
      ]);
      expect(ran.err.at(-1)).toMatch(/done, 1 sent$/);
      await eventually(async () => expect(await copies()).toEqual([{ id: 'n', text: 'hello' }]));
    }
    expect(await reader.sql('SELECT subject FROM effect')).toHaveLength(1);
    await bus.close();
  });
});

describe('following a replay', () => {
  it('hints that no instance of the service runs', async () => {
    const states = ['waiting', 'waiting', 'done'];
    const err: string[] = [];
    const io = {
      env: {},
      out: () => undefined,
      err: (line: string) => void err.push(line),
      signal: new AbortController().signal,
    };
    const database = { rows: async () => [{ state: states.shift(), sent: 0, error: null }] };
    await follow(io, database as unknown as Parameters<typeof follow>[1], {
      id: 'r',
      service: 'note',
      timeoutMs: 10_000,
      hintAfterMs: 0,
    });
    expect(err).toEqual([
      'replay r: waiting, 0 sent',
      'no instance of note has started it yet; it starts when one is running and reaches the broker',
      'replay r: done, 0 sent',
    ]);
  });
});
