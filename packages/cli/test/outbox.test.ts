import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase } from '@warren/testing';
import { warren } from './support/cli.js';
import { idOf, type ServiceDatabase, serviceDatabase } from './support/database.js';

describe('warren outbox status', () => {
  let database: ServiceDatabase;
  beforeAll(async () => {
    database = await serviceDatabase();
  });
  afterAll(() => database.close());

  const status = async () =>
    (await warren('outbox status --json', { DATABASE_URL: database.url })).json[0] as {
      unpublished: number;
      oldestUnpublished: number | null;
      tables: { name: string; bytes: number; partitions: { name: string; bytes: number }[] }[];
    };

  it('shows zero counts for an empty outbox, and the sizes of the tables', async () => {
    const { tables, ...counts } = await status();
    expect(counts).toEqual({
      unpublished: 0,
      oldestUnpublished: null,
      leased: 0,
      parked: 0,
      returned: 0,
      publishedLastHour: 0,
    });
    expect(tables.map(({ name }) => name)).toEqual(['outbox', 'inbox', 'feed', 'feed_head', 'idempotency']);
    for (const { bytes } of tables) expect(bytes).toBeGreaterThan(0);
  });

  it('counts unpublished, leased and recently published events', async () => {
    const insert = (claimed: string, published: string, created = "now() - interval '5 min'") =>
      database.pool.query(
        `INSERT INTO messaging.outbox (id, type, body, created_at, claimed_until, published_at)
        VALUES ($1, 'user.updated', '{}', ${created}, ${claimed}, ${published})`,
        [idOf()],
      );
    await insert(`'-infinity'`, 'NULL', "now() - interval '1 hour'");
    await insert(`now() + interval '10 s'`, 'NULL');
    await insert(`now()`, `now() - interval '1 min'`);
    await insert(`now()`, `now() - interval '2 hours'`);
    const { oldestUnpublished, tables: _, ...counts } = await status();
    expect(counts).toEqual({ unpublished: 2, leased: 1, parked: 0, returned: 0, publishedLastHour: 1 });
    expect(Math.round((oldestUnpublished ?? 0) / 60)).toBe(60);
    const { out, code } = await warren('outbox status', { DATABASE_URL: database.url });
    expect([code, out.join('\n')]).toEqual([0, expect.stringMatching(/oldest unpublished +1 h/)]);
  });

  it('adds up the sizes of a table’s partitions', async () => {
    await database.pool.query(`CREATE TABLE messaging.parts (id int) PARTITION BY RANGE (id);
      CREATE TABLE messaging.parts_1 PARTITION OF messaging.parts FOR VALUES FROM (1) TO (2);
      CREATE TABLE messaging.parts_2 PARTITION OF messaging.parts FOR VALUES FROM (2) TO (3);
      INSERT INTO messaging.parts VALUES (1), (2);
      DROP TABLE messaging.feed; ALTER TABLE messaging.parts RENAME TO feed`);
    const feed = (await status()).tables.find(({ name }) => name === 'feed');
    expect(feed?.partitions.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['parts_1', 8_192],
      ['parts_2', 8_192],
    ]);
    expect(feed?.bytes).toBe(16_384);
  });

  it('reports a database without messaging tables', async () => {
    const empty = await testDatabase();
    try {
      const { code, err } = await warren('outbox status', { DATABASE_URL: empty.url });
      expect([code, err.join('\n')]).toEqual([
        1,
        expect.stringContaining('has no messaging tables of this version'),
      ]);
    } finally {
      await empty.close();
    }
  });
});
