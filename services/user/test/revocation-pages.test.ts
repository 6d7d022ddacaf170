import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Revocations } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import { eventually } from '@warren/testing';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { type Running, runUserService } from './support/service.js';

type Page = Required<Revocations>;

let running: Running;
let clients: [pg.Client, pg.Client];
beforeAll(async () => {
  running = await runUserService({ internal: true });
  const connect = () => new pg.Client({ connectionString: running.database.url });
  clients = [connect(), connect()];
  for (const client of clients) await client.connect();
});
afterAll(async () => {
  for (const client of clients ?? []) await client.end();
  await running?.close();
});

const list = (query = '') => running.call<Page>('GET', `/internal/revocations${query}`);

async function page(after?: string, limit = 1_000): Promise<Page> {
  const { status, body } = await list(`?limit=${limit}${after === undefined ? '' : `&after=${after}`}`);
  expect(status).toBe(200);
  expect(compileWriter(Revocations)(body).ok).toBe(true);
  return body;
}

const idsOf = ({ revocations }: Pick<Page, 'revocations'>) => revocations.map(({ sessionId }) => sessionId);

/** Reads all pages after this cursor. */
async function readAll(after?: string, limit?: number): Promise<{ ids: string[]; next: string }> {
  const ids: string[] = [];
  for (let next = after; ; ) {
    const read = await page(next, limit);
    ids.push(...idsOf(read));
    next = read.next;
    if (!read.more) return { ids, next };
  }
}

/** Waits until a read repeats nothing. Then all transactions of other tests on this server have ended. */
async function settled(): Promise<string> {
  let { next } = await readAll();
  return await eventually(async () => {
    const read = await page(next);
    next = read.next;
    expect(idsOf(read)).toEqual([]);
    return next;
  });
}

/** Inserts revocations like a build that doesn't know pages. */
async function insert(client: pg.Client, count = 1, endsIn = '15 minutes'): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO session_revocations (session_id, user_id, reason, revoked_at, tokens_end_at)
     SELECT gen_random_uuid(), gen_random_uuid(), 'revoked', now(), now() + $2::interval FROM generate_series(1, $1)
     RETURNING session_id AS id`,
    [count, endsIn],
  );
  return rows.map(({ id }) => id);
}

describe('revocations', () => {
  it('come in pages, each revocation once, and then only the ones since the last read', async () => {
    const ids = await insert(clients[0], 25);
    const [over] = await insert(clients[0], 1, '-1 second');
    const first = await page(undefined, 10);
    expect([first.revocations.length, first.more]).toEqual([10, true]);
    const all = await readAll(undefined, 10);
    expect(all.ids).toEqual(expect.arrayContaining(ids));
    expect(all.ids).not.toContain(over);
    expect(new Set(all.ids).size).toBe(all.ids.length);

    const after = await settled();
    const { accessToken } = await running.register();
    await running.call('DELETE', '/sessions/current', undefined, accessToken);
    const since = await page(after);
    expect(idsOf(since)).toEqual([decodeJwt(accessToken).sid]);
    expect(since.more).toBe(false);
  });

  it('that are committed late are not skipped, whatever was read before', async () => {
    const [early, late] = clients;
    await late.query('BEGIN');
    const [begunFirst] = await insert(late);
    const [committedFirst] = await insert(early);
    const before = await readAll();
    expect(before.ids).toContain(committedFirst);
    expect(before.ids).not.toContain(begunFirst);
    await late.query('COMMIT');
    expect((await readAll(before.next)).ids).toContain(begunFirst);
  });

  it('that are committed behind the current page come with the next read', async () => {
    const [early, late] = clients;
    await late.query('BEGIN');
    const begunFirst = await insert(late, 3);
    const committedFirst = await insert(early, 20);
    let read = await page(undefined, 10);
    while (!idsOf(read).some((id) => committedFirst.includes(id))) read = await page(read.next, 10);
    expect(read.more).toBe(true);
    await late.query('COMMIT');
    const rest = await readAll(read.next, 10);
    expect(rest.ids.filter((id) => begunFirst.includes(id))).toEqual([]);
    expect((await readAll(rest.next)).ids).toEqual(expect.arrayContaining(begunFirst));
  });

  it('that were written before transaction ids were recorded come first', async () => {
    const ids = await insert(clients[0], 3);
    await clients[0].query('UPDATE session_revocations SET written_by = 0 WHERE session_id = ANY ($1)', [
      ids,
    ]);
    expect(idsOf(await page(undefined, 3)).sort()).toEqual(ids.sort());
  });
});

describe('a cursor', () => {
  it.each([
    ['of a database that was restored since then', () => clients[0].query('SELECT messaging.begin_epoch()')],
    ['of transactions that never began', undefined],
  ])('%s starts from the beginning', async (_, restore) => {
    const ids = await insert(clients[0], 3);
    const { next } = await readAll();
    await restore?.();
    const known = restore ? next : next.replace(/\d+$/, '999999999999999999');
    const anew = await readAll(known);
    expect(anew.ids).toEqual(expect.arrayContaining(ids));
    expect(anew.next).not.toBe(known);
    const [later] = await insert(clients[0]);
    expect((await readAll(anew.next)).ids).toContain(later);
  });

  it.each(['rubbish', '1-0-0', 'dated:1:2', `${'x'.repeat(200)}`])(
    'that is unreadable starts from the beginning: %s',
    async (cursor) => {
      const ids = await insert(clients[0], 2);
      expect((await readAll(cursor)).ids).toEqual(expect.arrayContaining(ids));
    },
  );

  it.each([
    'limit=0',
    'limit=1001',
    'limit=many',
    'limit=',
    'limit=5&limit=6',
    'after=a&after=b',
    `after=${'x'.repeat(201)}`,
    'until=now',
  ])('or limit that is malformed is refused: %s', async (query) => {
    const { status, body } = await list(`?${query}`);
    expect([status, body]).toMatchObject([400, { code: 'invalid-request' }]);
  });
});

describe('services that request no pages', () => {
  it('get the same answer as before', async () => {
    const ids = await insert(clients[0], 2);
    const { body } = await list();
    expect(Object.keys(body)).toEqual(['revocations']);
    expect(idsOf(body)).toEqual(expect.arrayContaining(ids));
  });

  it('get the revocations that are in force for longest if there are very many', async () => {
    await insert(clients[0], 20_000);
    const ids = await insert(clients[0], 50, '20 minutes');
    const { body } = await list();
    expect(body.revocations).toHaveLength(20_000);
    expect(idsOf(body)).toEqual(expect.arrayContaining(ids));
    const { ids: all } = await readAll();
    expect(all.length).toBeGreaterThan(20_000);
  });
});
