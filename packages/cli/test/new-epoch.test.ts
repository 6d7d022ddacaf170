import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { warren } from './support/cli.js';
import { type ServiceDatabase, serviceDatabase } from './support/database.js';

describe('warren new-epoch', () => {
  let database: ServiceDatabase;
  beforeAll(async () => {
    database = await serviceDatabase();
    await database.pool.query(`UPDATE messaging.meta SET service = 'user';
      INSERT INTO messaging.copy (source, types, completed_at) VALUES ('payment', '{payment.succeeded}', now())`);
  });
  afterAll(() => database.close());

  const state = async () =>
    (
      await database.pool.query(
        'SELECT epoch, m.entity_epoch, completed_at IS NOT NULL AS complete FROM messaging.meta m, messaging.copy',
      )
    ).rows[0];

  it('shows the epoch and changes nothing with --dry-run', async () => {
    const before = await state();
    const { code, json } = await warren('new-epoch --service user --dry-run --json', {
      DATABASE_URL: database.url,
    });
    expect([code, json]).toEqual([0, [{ dryRun: true, epoch: 0 }]]);
    expect(await state()).toEqual(before);
  });

  it('begins an epoch, requests the copies again and writes an audit line', async () => {
    const before = await state();
    const { code, out, err } = await warren('new-epoch --service user', { DATABASE_URL: database.url });
    expect([code, out]).toEqual([0, ['user is now in epoch 1']]);
    expect(JSON.parse(err[0] ?? '')).toMatchObject({ command: 'new-epoch', service: 'user', id: '1' });
    const after = await state();
    expect(after).toMatchObject({ entity_epoch: 1, complete: false });
    expect(after.epoch).not.toBe(before.epoch);
  });

  it('refuses the database of another service', async () => {
    const { code, err } = await warren('new-epoch --service payment', { DATABASE_URL: database.url });
    expect([code, err.join('\n')]).toEqual([
      1,
      expect.stringContaining('is the database of user, not of payment'),
    ]);
    expect(await state()).toMatchObject({ entity_epoch: 1 });
  });
});
