import { describe, expect, it } from '@jest/globals';
import { createMemoryEventBus, PublishError, type PublishReceipt } from '@warren/event-bus';
import { eventually, type Gate, gate } from '@warren/testing';
import { react } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import { contract, type NoteTx, writeNote } from './support/fixture.js';
import { quick, relays } from './support/relays.js';
import { ScriptedBus } from './support/scripted-bus.js';

const world = relays();
const { started, unpublished, allPublished } = world;
/** For the tests in which a lease ends; elsewhere a slow machine must not end one. */
const shortLease = { leaseMs: 300, confirmMs: 200 };

describe('the relay', () => {
  it('publishes events of this process without waiting for a poll, and marks them', async () => {
    const bus = new ScriptedBus();
    const { uow } = await started({ bus, limits: { pollMs: 60_000 } });
    await uow.run((tx) => writeNote(tx, 'at-once'));
    expect(bus.published).toHaveLength(1);
    await allPublished();
    expect(bus.published).toHaveLength(1);
  });

  it('gathers events while others are unconfirmed, and sends them after the confirm', async () => {
    const held = gate<PublishReceipt>();
    const bus = new ScriptedBus(() => held.opened);
    const { uow, stats } = await started({ bus, limits: { pollMs: 60_000, gatherMs: 60_000 } });
    for (const id of ['first', 'second', 'third']) await uow.run((tx) => writeNote(tx, id));
    expect(bus.published.map(subjectOf)).toEqual(['first']);
    held.open('confirmed');
    await allPublished();
    expect(bus.published.map(subjectOf)).toEqual(['first', 'second', 'third']);
    expect(stats().relay.inFlight).toBe(0);
  });

  it('does not let events wait long for one that is not confirmed', async () => {
    const bus = new ScriptedBus(() => new Promise(() => undefined));
    const { uow } = await started({ bus, limits: { pollMs: 60_000 } });
    for (const id of ['stuck', 'behind-it']) await uow.run((tx) => writeNote(tx, id));
    await eventually(() => expect(bus.published.map(subjectOf)).toEqual(['stuck', 'behind-it']));
  });

  it('sends gathered events before it stops', async () => {
    const held = gate<PublishReceipt>();
    const bus = new ScriptedBus(() => held.opened);
    const limits = { pollMs: 60_000, gatherMs: 60_000, stopMs: 10_000 };
    const { uow, stop } = await started({ bus, limits });
    for (const id of ['open', 'gathered']) await uow.run((tx) => writeNote(tx, id));
    const stopped = stop();
    await eventually(() => expect(bus.published.map(subjectOf)).toEqual(['open', 'gathered']));
    held.open('confirmed');
    await stopped;
    expect(await unpublished()).toEqual([]);
  });

  it('publishes the events of a relay that crashed between commit and publish', async () => {
    // An instance that never gets to publish: its claim is on the rows, and nothing more comes from it.
    const dead = new ScriptedBus(() => new Promise(() => undefined));
    const crashed = await started({ bus: dead, limits: { ...shortLease, pollMs: 60_000 } });
    await crashed.uow.run((tx) => writeNote(tx, 'orphan'));
    const [id] = await unpublished();

    const bus = new ScriptedBus();
    await started({ bus });
    await allPublished();
    expect(bus.ids()).toEqual([id]);
  });

  it('does not claim a row while another relay holds its lease', async () => {
    const receipt = gate<PublishReceipt>();
    const holding = new ScriptedBus(() => receipt.opened);
    // Taken by the holder's first poll, so that this poll is over before a row comes that is meant for another.
    const held = await sentinel();
    await started({ bus: holding, limits: { pollMs: 60_000 } });
    await eventually(() => expect(holding.ids()).toEqual([held]));
    const bus = new ScriptedBus();
    await started({ bus });
    const polledFor: string[] = [];
    for (const _poll of [1, 2, 3]) {
      polledFor.push(await sentinel());
      await eventually(() => expect(bus.ids()).toEqual(polledFor));
    }
    receipt.open('confirmed');
    await allPublished();
  });

  it('deletes confidential events once they are published, and never replays them', async () => {
    const bus = new ScriptedBus();
    const { uow } = await started({ bus });
    await uow.run(async (tx) => {
      const data = { text: 'a secret' };
      tx.publish({ type: 'note.written', subject: 'a', version: 1, data, confidential: true });
      tx.publish({ type: 'note.written', subject: 'b', version: 1, data: { text: 'none' } });
    });
    await eventually(async () => {
      const rows = await world.db.sql<{ body: string }>('SELECT body, published_at FROM messaging.outbox');
      expect(rows).toEqual([{ body: expect.stringContaining('none'), published_at: expect.any(Date) }]);
    });
    expect(bus.published.map(({ body }) => JSON.parse(body).data.text).sort()).toEqual(['a secret', 'none']);
  });

  it('publishes unconfirmed events again', async () => {
    let lost = 0;
    const bus = new ScriptedBus(async () => {
      lost += 1;
      if (lost <= 2) throw new PublishError('unavailable', 'connection lost');
      return 'confirmed';
    });
    const { uow, stats } = await started({ bus });
    await uow.run((tx) => writeNote(tx, 'unconfirmed'));
    await allPublished();
    const [row] = await world.db.sql<{ id: string }>('SELECT id FROM messaging.outbox');
    expect(bus.ids()).toEqual([row?.id, row?.id, row?.id]);
    expect(stats().relay).toMatchObject({ published: 1, failed: 2, inFlight: 0 });
  });

  it('counts a late confirm as missing, but marks the row when it comes', async () => {
    const held = gate<PublishReceipt>();
    const bus = new ScriptedBus(() => held.opened);
    const { uow, stats } = await started({ bus, limits: shortLease });
    await uow.run((tx) => writeNote(tx, 'late'));
    await eventually(() => expect(stats().relay).toMatchObject({ inFlight: 1, late: 1 }));
    // The lease ends and the poll takes the row again, twice; the bus still holds the event and gets no copy.
    const leaseEnd = async () =>
      (await world.db.sql<{ claimed_until: Date }>('SELECT claimed_until FROM messaging.outbox'))[0]
        ?.claimed_until;
    for (const _renewal of [1, 2]) {
      const before = await leaseEnd();
      await eventually(async () => expect(await leaseEnd()).not.toEqual(before));
    }
    expect(bus.published).toHaveLength(1);
    expect(await unpublished()).toHaveLength(1);
    held.open('confirmed');
    await allPublished();
    expect(stats().relay).toMatchObject({ inFlight: 0, late: 0 });
  });

  it('shares an outbox with another relay, so that each row is published once', async () => {
    const source = world.db.instance();
    for (let index = 0; index < 200; index++) await source.uow.run((tx) => writeNote(tx, `shared-${index}`));
    const buses = [new ScriptedBus(), new ScriptedBus()];
    await Promise.all(buses.map((bus) => started({ bus, limits: { relayCapacity: 20 } })));
    await allPublished();
    const ids = buses.flatMap((bus) => bus.ids());
    expect(ids).toHaveLength(200);
    expect(new Set(ids).size).toBe(200);
  });

  it('never has more events in flight than its capacity, and publishes all of them', async () => {
    const gates: Gate<PublishReceipt>[] = [];
    const bus = new ScriptedBus(() => {
      const held = gate<PublishReceipt>();
      gates.push(held);
      return held.opened;
    });
    const { uow, stats } = await started({
      bus,
      limits: { relayCapacity: 5 },
    });
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => uow.run((tx) => writeNote(tx, `bound-${index}`))),
    );
    await eventually(() => expect(stats().relay.inFlight).toBe(5));
    bus.answer = async () => 'confirmed';
    for (const held of gates) held.open('confirmed');
    await allPublished();
    expect(gates).toHaveLength(5);
    expect(bus.published).toHaveLength(12);
  });

  it('claims no rows while the broker is away, and publishes them when it is back', async () => {
    const bus = new ScriptedBus();
    bus.publishing = 'degraded';
    const { uow, stats } = await started({ bus });
    await uow.run((tx) => writeNote(tx, 'waits'));
    for (const backlog of [2, 3]) {
      await sentinel();
      await eventually(() => expect(stats().relay.backlog).toBe(backlog));
    }
    expect(bus.published).toEqual([]);
    bus.publishing = 'up';
    await allPublished();
  });

  it('publishes while consuming fails', async () => {
    const bus = new ScriptedBus();
    bus.consuming = 'degraded';
    const { uow } = await started({ bus });
    await uow.run((tx) => writeNote(tx, 'goes-out'));
    await allPublished();
  });

  it('counts an event that no service consumes as published', async () => {
    const { uow, stats } = await started({ bus: new ScriptedBus(async () => 'unroutable') });
    await uow.run((tx) => writeNote(tx, 'unwanted'));
    await allPublished();
    expect(stats().relay).toMatchObject({ published: 1, unroutable: 1 });
  });

  it('releases its claims when it stops', async () => {
    const held = await started({ bus: new ScriptedBus(() => new Promise(() => undefined)) });
    await held.uow.run((tx) => writeNote(tx, 'given-back'));
    await held.stop();
    const bus = new ScriptedBus();
    await started({ bus });
    await allPublished();
    expect(bus.published).toHaveLength(1);
  });

  it('waits in `stop` for unconfirmed events and marks them', async () => {
    const held = gate<PublishReceipt>();
    const { uow, stop } = await started({
      bus: new ScriptedBus(() => held.opened),
      limits: { stopMs: 10_000 },
    });
    await uow.run((tx) => writeNote(tx, 'finishing'));
    const stopped = stop();
    held.open('confirmed');
    await stopped;
    expect(await unpublished()).toEqual([]);
  });
});

describe('the relay with the memory bus', () => {
  it('keeps a row unpublished until every subscriber has committed the event', async () => {
    const bus = createMemoryEventBus({ retryDelays: [50, 50, 50, 50, 50] });
    const held = gate();
    const instance = world.db.instance({ bus, limits: { ...quick, ...shortLease } });
    world.stopAfterTest(instance);
    let attempts = 0;
    await instance.start({
      handlers: [
        react(contract, 'note.written', {
          async handle(tx: NoteTx) {
            attempts += 1;
            if (attempts < 3) throw new Error('not yet');
            await held.opened;
            tx.feed('mia', { type: 'note.updated', data: { text: 'got it' } });
          },
        }),
      ],
    });
    await instance.uow.run((tx) => writeNote(tx, 'memory'));
    await eventually(() => expect(attempts).toBe(3));
    // Well past the confirm time-out and the lease of this test.
    await eventually(() => expect(instance.stats().relay.late).toBe(1));
    expect(await unpublished()).toHaveLength(1);
    held.open();
    await allPublished();
    expect(attempts).toBe(3);
    expect((await instance.feeds.head('mia')).seq).toBe(1);
    await bus.close();
  });
});

const subjectOf = ({ body }: { body: string }): unknown => JSON.parse(body).subject;

/** A row that no relay has claimed. Whoever publishes it has polled. */
async function sentinel(): Promise<string> {
  const id = uuidv7();
  await world.db.sql(`INSERT INTO messaging.outbox (id, type, body) VALUES ($1, 'note.written', '{}')`, [id]);
  return id;
}
