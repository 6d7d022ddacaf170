import { describe, expect, it } from '@jest/globals';
import { PermanentError } from '@warren/contracts';
import { createMemoryEventBus, PublishError } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { react } from '@warren/unit-of-work';
import { contract, type NoteTx, writeNote } from './support/fixture.js';
import { quick, relays } from './support/relays.js';
import { ScriptedBus } from './support/scripted-bus.js';

const world = relays();
const { started, allPublished, unpublished } = world;

const answer = { code: 403, text: 'ACCESS_REFUSED - access to topic refused' };

/** Refuses what is about `bad`, as long as it is told to. */
function refusing(): ScriptedBus & { heal(): void } {
  let refuses = true;
  const bus = new ScriptedBus(async ({ body }) => {
    if (refuses && JSON.parse(body).subject === 'bad')
      throw new PublishError('refused', `the broker refused the message: ${answer.text}`, { answer });
    return 'confirmed';
  });
  return Object.assign(bus, {
    heal: () => {
      refuses = false;
    },
  });
}

describe('an event that the broker refuses', () => {
  it("is parked with the broker's reason, is not sent again, and delays no other event", async () => {
    const bus = refusing();
    const { uow, stats } = await started({ bus });
    for (const id of ['before', 'bad', 'after']) await uow.run((tx) => writeNote(tx, id));
    await eventually(() => expect(stats().relay).toMatchObject({ parked: 1, backlog: 0 }));
    const rows = await world.db.sql<{ because: string }>(
      'SELECT parked_because AS because FROM messaging.outbox WHERE parked_at IS NOT NULL',
    );
    expect(rows).toEqual([{ because: expect.stringContaining('ACCESS_REFUSED') }]);
    // Another relay polls, and takes what comes now alone.
    const other = await started({ bus });
    await other.uow.run((tx) => writeNote(tx, 'later'));
    await eventually(async () => expect(await unpublished()).toHaveLength(1));
    const sent = bus.published.map(({ body }) => JSON.parse(body).subject);
    expect(sent.sort()).toEqual(['after', 'bad', 'before', 'later']);
    expect(stats().relay).toMatchObject({ refused: 1, failed: 0 });
  });

  it('does not count as backlog, so new work is not refused because of it', async () => {
    const bus = refusing();
    const { uow, stats } = await started({ bus, limits: { maxBacklog: 1 } });
    for (const _each of [1, 2, 3]) await uow.run((tx) => writeNote(tx, 'bad'), { admit: false });
    await eventually(() => expect(stats().relay).toMatchObject({ parked: 3, backlog: 0 }));
    await uow.run((tx) => writeNote(tx, 'welcome'));
  });

  it('is published once an operator retries it and the broker takes it', async () => {
    const bus = refusing();
    const { uow, stats } = await started({ bus });
    await uow.run((tx) => writeNote(tx, 'bad'));
    await eventually(() => expect(stats().relay.parked).toBe(1));
    bus.heal();
    await world.db.sql(
      `UPDATE messaging.outbox SET claimed_until = now(), parked_at = NULL, parked_because = NULL`,
    );
    await allPublished();
    await eventually(() => expect(stats().relay.parked).toBe(0));
  });

  it('is parked if a service of the same process gave it up, and survives a crash', async () => {
    const bus = createMemoryEventBus();
    const instance = world.db.instance({ bus, limits: quick });
    world.stopAfterTest(instance);
    await instance.start({
      handlers: [
        react(contract, 'note.written', {
          async handle(_tx: NoteTx, { subject }) {
            if (subject === 'bad') throw new PermanentError('no such note');
          },
        }),
      ],
    });
    await instance.uow.run((tx) => writeNote(tx, 'bad'));
    await eventually(() => expect(instance.stats().relay).toMatchObject({ parked: 1, backlog: 0 }));
    await instance.uow.run((tx) => writeNote(tx, 'good'));
    await eventually(async () => expect(await unpublished()).toHaveLength(1));
    await bus.close();
  });
});
