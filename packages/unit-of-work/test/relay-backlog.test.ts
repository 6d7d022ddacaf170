import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { react } from '@warren/unit-of-work';
import { contract, type NoteTx, writeNote } from './support/fixture.js';
import { quick, relays } from './support/relays.js';
import { ScriptedBus } from './support/scripted-bus.js';

const world = relays();
const { started, unpublished, allPublished } = world;

describe('a backlog above its limit', () => {
  it('refuses new work with a temporary error, before it starts, until rows are published', async () => {
    const bus = new ScriptedBus();
    bus.publishing = 'degraded';
    const { uow, stats } = await started({ bus, limits: { maxBacklog: 3 } });
    let ran = 0;
    const work = () =>
      uow.run(async (tx) => {
        ran += 1;
        await writeNote(tx, `backlog-${ran}`);
      });
    for (let index = 0; index < 4; index++) await work();
    await eventually(() => expect(stats().relay.backlog).toBe(4));
    await expect(work()).rejects.toMatchObject({ code: 'service-overloaded', temporary: true });
    const once = uow.once({ userId: 'u', operation: 'o', key: 'k', input: null }, async () => ({
      record: 1,
      result: 1,
    }));
    await expect(once).rejects.toMatchObject({ code: 'service-overloaded' });
    expect(ran).toBe(4);
    bus.publishing = 'up';
    await allPublished();
    await eventually(work);
  });

  it('does not refuse work that completes something that already happened outside', async () => {
    const bus = new ScriptedBus();
    bus.publishing = 'degraded';
    const { uow, stats } = await started({ bus, limits: { maxBacklog: 0 } });
    await uow.run((tx) => writeNote(tx, 'first'));
    await eventually(() => expect(stats().relay.backlog).toBe(1));
    await expect(uow.run((tx) => writeNote(tx, 'new'))).rejects.toMatchObject({ code: 'service-overloaded' });
    await uow.run((tx) => writeNote(tx, 'ending'), { admit: false });
    expect(await unpublished()).toHaveLength(2);
  });

  it('publishes a row whose relay crashed before rows that were written later', async () => {
    const bus = new ScriptedBus();
    bus.publishing = 'degraded';
    const { uow } = await started({ bus, limits: { relayCapacity: 1 } });
    const [crashed] = await world.db.sql<{ id: string }>(
      `INSERT INTO messaging.outbox (id, type, body, created_at, claimed_until)
      VALUES (gen_random_uuid(), 'note.written', '{}', now() - interval '1 min', now() - interval '1 s')
      RETURNING id`,
    );
    for (const id of ['later', 'later-still']) await uow.run((tx) => writeNote(tx, id));
    bus.publishing = 'up';
    await allPublished();
    expect(bus.ids()[0]).toBe(crashed?.id);
    expect(bus.published).toHaveLength(3);
  });

  it('does not refuse events of other services', async () => {
    const bus = new ScriptedBus();
    bus.publishing = 'degraded';
    const instance = world.db.instance({ bus, limits: { ...quick, maxBacklog: 0 } });
    world.stopAfterTest(instance);
    await instance.start({
      handlers: [
        react(contract, 'note.written', { handle: (tx: NoteTx, event) => writeNote(tx, event.subject) }),
      ],
    });
    await instance.uow.run((tx) => writeNote(tx, 'first'));
    const [sent] = await world.db.sql<{ id: string; type: string; body: string }>(
      'SELECT id, type, body FROM messaging.outbox',
    );
    if (!sent) throw new Error('nothing in the outbox');
    // A poll that began before may still set it back: the next work comes right behind this.
    await eventually(() => expect(instance.stats().relay.backlog).toBe(1));
    await expect(instance.uow.run((tx) => writeNote(tx, 'refused'))).rejects.toMatchObject({
      code: 'service-overloaded',
    });
    const verdicts = await bus.subscription?.handle([{ ...sent, attempt: 1, redelivered: false }]);
    expect(verdicts).toEqual([{ kind: 'done' }]);
  });
});
