import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { UserListener } from '@warren/realtime';
import { eventually } from '@warren/testing';
import { pino } from 'pino';
import { PresenceRecorder } from '../src/jobs/presence-recorder.js';
import { PresenceRecord } from '../src/operations/record-presence.js';
import { openClient } from './support/client.js';
import { query } from './support/query.js';
import { type Running, runUserService } from './support/service.js';

const log = pino({ level: 'silent' });

describe('the presence record of a process', () => {
  let running: Running;
  let client: ReturnType<typeof openClient>;
  let listener: UserListener;
  let recorder: PresenceRecorder;
  beforeAll(async () => {
    running = await runUserService();
    client = openClient(running.database.url);
  });
  afterAll(async () => {
    await client.close();
    await running.close();
  });
  beforeEach(async () => {
    await query(running.database.url, 'DELETE FROM presence_nodes');
    const sockets = {
      onUsers: (given: UserListener) => {
        listener = given;
      },
      connectedUsers: () => [],
      hint: () => undefined,
      onHint: () => undefined,
    };
    recorder = new PresenceRecorder({
      record: new PresenceRecord({ client: client.prisma }),
      sockets,
      changed: () => undefined,
      log,
    });
    recorder.start();
    await eventually(async () => expect(await lease()).toBeDefined());
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await recorder.stop();
  });

  const lease = async () => {
    const rows = await query(running.database.url, 'SELECT lease_until FROM presence_nodes ORDER BY 1 DESC');
    return rows[0]?.lease_until as Date | undefined;
  };

  it('is written promptly, however fast users come and go', async () => {
    const { id } = (await running.register()).user;
    const other = (await running.register()).user.id;
    listener.joined(id);
    const churn = setInterval(() => {
      listener.joined(other);
      listener.left(other);
    }, 10);
    try {
      const sql = 'SELECT 1 FROM presence_connections WHERE user_id = $1';
      // Well before the next renewal of the lease, which also writes changes.
      await eventually(async () => expect(await query(running.database.url, sql, [id])).toHaveLength(1), {
        within: 2_000,
      });
    } finally {
      clearInterval(churn);
    }
  });

  it('keeps its lease when the system clock is set back', async () => {
    const before = (await lease()) as Date;
    const real = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => real() - 3_600_000);
    await eventually(async () => expect((await lease())?.getTime()).toBeGreaterThan(before.getTime()), {
      within: 9_000,
    });
  });
});
