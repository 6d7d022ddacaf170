import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encoded, userEvent } from '@warren/service-testing';
import type { User } from '@warren/user-contract';
import { v7 as uuidv7 } from 'uuid';
import { requestMissingUserFields } from '../src/operations/request-missing-user-fields.js';
import { completeCopies, startTimeout, World } from './support/service.js';

let world: World;
let context: Parameters<typeof requestMissingUserFields>[0];
beforeAll(async () => {
  world = await World.create({
    seeContext: (given) => {
      context = given;
    },
  });
}, startTimeout);
afterAll(() => world.close());

/** A copy that an older build made. */
async function copied(version = 1): Promise<string> {
  const id = uuidv7();
  await world.client.$executeRaw`
    INSERT INTO user_copies (id, version, display_name, locale, time_zone)
    VALUES (${id}::uuid, ${version}, 'Ada', 'en', 'UTC')`;
  return id;
}

const emailOf = async (id: string) => (await world.client.userCopy.findUnique({ where: { id } }))?.email;

/** A snapshot that belongs to a replay. */
function snapshot(id: string, version: number, changes: Partial<User> = {}) {
  const { data } = JSON.parse(userEvent('user.updated', id, version, changes).body);
  const event = encoded({ type: 'user.snapshot', subject: id, version, data });
  return { ...event, body: JSON.stringify({ ...JSON.parse(event.body), replayid: uuidv7() }) };
}

interface CopyRow {
  replay_id: string;
  completed_at: Date | null;
}

async function copyRow(): Promise<CopyRow | undefined> {
  const [row] = await world.client.$queryRaw<CopyRow[]>`
    SELECT replay_id, completed_at FROM messaging.copy WHERE source = 'user'`;
  return row;
}

describe('a copy without an email address from an older build', () => {
  it('takes the address from a snapshot of the same version, and nothing from an older one', async () => {
    const ada = await copied(3);
    await world.bus.publish(snapshot(ada, 2, { email: 'old@example.org' }));
    expect(await emailOf(ada)).toBeNull();
    await world.bus.publish(snapshot(ada, 3, { email: 'ada@example.org' }));
    expect(await emailOf(ada)).toBe('ada@example.org');
    await world.bus.publish(snapshot(ada, 3, { email: 'late@example.org' }));
    expect(await emailOf(ada)).toBe('ada@example.org');
    expect(await world.inbox(ada)).toEqual([]);
  });

  it('makes a starting service request all users again', async () => {
    const ada = await copied();
    await completeCopies(world.client);
    const before = await copyRow();
    expect(await requestMissingUserFields(context)).toBe(true);
    const after = await copyRow();
    expect([after?.completed_at, after?.replay_id === before?.replay_id]).toEqual([null, false]);
    // While this request is in progress, other starting services make no request.
    expect(await requestMissingUserFields(context)).toBe(false);
    expect(await copyRow()).toEqual(after);
    await world.bus.publish(snapshot(ada, 1));
  });

  it('may also lack whether the address is verified, and gets it the same way', async () => {
    const ada = await copied(3);
    await world.client.userCopy.update({ where: { id: ada }, data: { email: 'ada@example.org' } });
    await completeCopies(world.client);
    expect(await requestMissingUserFields(context)).toBe(true);
    await world.bus.publish(snapshot(ada, 3, { email: 'ada@example.org', emailVerified: true }));
    expect(await world.client.userCopy.findUnique({ where: { id: ada } })).toMatchObject({
      emailVerified: true,
    });
  });

  it('makes no request once all copies are complete', async () => {
    await completeCopies(world.client);
    expect(await requestMissingUserFields(context)).toBe(false);
  });

  it('cannot become a tombstone that keeps the address, as an older build would write it', async () => {
    const ada = await world.register('Ada');
    const asBefore = world.client.$executeRaw`
      UPDATE user_copies SET version = 2, deleted = true, display_name = NULL, locale = NULL, time_zone = NULL
      WHERE id = ${ada}::uuid`;
    await expect(asBefore).rejects.toThrow(/user_copies_email(_verified)?_erased/);
  });
});
