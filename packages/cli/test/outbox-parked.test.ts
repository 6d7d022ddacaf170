import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { warren } from './support/cli.js';
import { idOf, type ServiceDatabase, serviceDatabase } from './support/database.js';

describe('warren outbox parked', () => {
  let database: ServiceDatabase;
  beforeAll(async () => {
    database = await serviceDatabase();
  });
  afterAll(() => database.close());
  beforeEach(() => database.pool.query('TRUNCATE messaging.outbox'));

  const run = (line: string) => warren(`outbox parked ${line}`, { DATABASE_URL: database.url });

  async function park(type: string, ago = '1 hour'): Promise<string> {
    const id = idOf();
    await database.pool.query(
      `INSERT INTO messaging.outbox (id, type, body, claimed_until, parked_at, parked_because)
      VALUES ($1, $2, '{}', 'infinity', now() - $3::interval, 'ACCESS_REFUSED - access to topic refused')`,
      [id, type, ago],
    );
    return id;
  }

  async function waiting(): Promise<string> {
    const id = idOf();
    await database.pool.query(
      `INSERT INTO messaging.outbox (id, type, body) VALUES ($1, 'user.updated', '{}')`,
      [id],
    );
    return id;
  }

  const free = async () => {
    const { rows } = await database.pool.query<{ id: string }>(
      `SELECT id FROM messaging.outbox WHERE parked_at IS NULL AND claimed_until <= now() ORDER BY id`,
    );
    return rows.map(({ id }) => id);
  };
  const left = async () => {
    const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM messaging.outbox ORDER BY id');
    return rows.map(({ id }) => id);
  };

  it('lists only parked events, the ones that have been parked longest first', async () => {
    await waiting();
    const [newer, older] = [await park('user.updated', '1 min'), await park('user.deleted', '2 days')];
    const { json, code } = await run('list --json');
    expect(code).toBe(0);
    expect(json).toMatchObject([
      { id: older, type: 'user.deleted', because: expect.stringContaining('ACCESS_REFUSED'), bytes: 2 },
      { id: newer, type: 'user.updated', parkedAt: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    expect((await run('list --type user.deleted --before 1d --json')).json).toMatchObject([{ id: older }]);
    expect((await run('list --since 1h --json')).json).toMatchObject([{ id: newer }]);
    expect((await run(`list --id ${newer}`)).out.join('\n')).toContain('user.updated');
    const bounded = await run('list --limit 1 --json');
    expect([bounded.json.length, bounded.err.join('\n')]).toEqual([
      1,
      expect.stringContaining('showing the oldest 1 of 2'),
    ]);
    const { json: status } = await warren('outbox status --json', { DATABASE_URL: database.url });
    expect(status[0]).toMatchObject({ unpublished: 1, parked: 2 });
  });

  it('lets relays publish retried events, writes an audit line for each, and changes nothing in a dry run', async () => {
    const [one, other] = [await park('user.updated'), await park('user.deleted')];
    const dry = await run('retry --dry-run');
    expect([dry.code, dry.audit]).toEqual([0, []]);
    expect(await free()).toEqual([]);
    const { code, audit } = await run('retry --type user.updated');
    expect(code).toBe(0);
    expect(audit).toMatchObject([
      {
        command: 'outbox parked retry',
        service: 'user',
        id: one,
        type: 'user.updated',
        outcome: 'retried',
        who: expect.any(String),
      },
    ]);
    expect(await free()).toEqual([one]);
    expect((await run('list --json')).json).toMatchObject([{ id: other }]);
  });

  it('discards only parked events that match the filter', async () => {
    const waits = await waiting();
    const [one, other] = [await park('user.updated'), await park('user.deleted')];
    expect((await run('discard')).code).toBe(2);
    expect((await run(`discard --id ${waits}`)).code).toBe(0);
    const { code, audit } = await run(`discard --id ${one}`);
    expect([code, audit.map(({ id, outcome }) => [id, outcome])]).toEqual([0, [[one, 'discarded']]]);
    expect(await left()).toEqual([waits, other].sort());
    await run('discard --all');
    expect(await left()).toEqual([waits]);
  });
});
