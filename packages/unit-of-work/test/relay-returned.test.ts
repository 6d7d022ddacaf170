import { describe, expect, it } from '@jest/globals';
import type { EncodedEvent, PublishReceipt } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { type NoteTx, writeNote } from './support/fixture.js';
import { dayMs, idOf } from './support/old-rows.js';
import { relays } from './support/relays.js';
import { ScriptedBus } from './support/scripted-bus.js';

const world = relays();
const { started, unpublished, allPublished } = world;

/** A broker on which a queue takes the types in `bound` and no others. */
class Broker extends ScriptedBus {
  readonly bound = new Set<string>();
  readonly taken: string[] = [];

  constructor() {
    super(async ({ id, type }: EncodedEvent): Promise<PublishReceipt> => {
      if (!this.bound.has(type)) return 'unroutable';
      this.taken.push(id);
      return 'confirmed';
    });
  }

  triesOf(type: string): number {
    return this.published.filter((event) => event.type === type).length;
  }
}

const keptTypes = new Set(['note.written', 'note.erased']);
const limits = { returnedMs: 50 };

function eraseNote(tx: NoteTx, id: string): void {
  tx.publish({ type: 'note.erased', subject: id, version: 2, data: { text: id } });
}

describe('an event that a service consumes and no queue takes', () => {
  it('hazard: is lost if the relay does not know that its type is consumed', async () => {
    const bus = new Broker();
    const { uow } = await started({ bus, limits });
    await uow.run((tx) => writeNote(tx, 'lost'));
    await allPublished();
    bus.bound.add('note.written');
    await uow.run((tx) => writeNote(tx, 'later'));
    await allPublished();
    expect(bus.taken).toHaveLength(1);
  });

  it('stays in the outbox without counting as backlog, and is published once a queue takes its type', async () => {
    const bus = new Broker();
    const { uow, stats } = await started({ bus, keptTypes, limits: { ...limits, maxBacklog: 20 } });
    for (let index = 0; index < 60; index += 1) {
      await eventually(() => expect(stats().relay.backlog).toBeLessThan(20));
      await uow.run((tx) => writeNote(tx, `kept-${index}`));
    }
    const kept = await unpublished();
    expect(kept).toHaveLength(60);
    await eventually(() => expect(stats().relay).toMatchObject({ returned: 60, backlog: 0, published: 0 }));
    bus.bound.add('note.written');
    await allPublished();
    expect([...bus.taken].sort()).toEqual(kept.sort());
    await eventually(() => expect(stats().relay).toMatchObject({ returned: 0, backlog: 0, published: 60 }));
  });

  it('is retried alone for its type, however many of them wait', async () => {
    const bus = new Broker();
    const { uow, stats } = await started({ bus, keptTypes, limits });
    await uow.run(async (tx) => {
      for (let index = 0; index < 40; index += 1) await writeNote(tx, `many-${index}`);
      for (let index = 0; index < 40; index += 1) eraseNote(tx, `many-${index}`);
    });
    await eventually(() => expect(stats().relay.returned).toBe(80));
    const [written, erased] = [bus.triesOf('note.written'), bus.triesOf('note.erased')];
    await eventually(() => expect(bus.triesOf('note.erased')).toBeGreaterThanOrEqual(erased + 3));
    // Looks, not rows: each look tries one of each.
    expect(
      Math.abs(bus.triesOf('note.written') - written - (bus.triesOf('note.erased') - erased)),
    ).toBeLessThan(3);
    bus.bound.add('note.erased');
    await eventually(() => expect(bus.taken).toHaveLength(40));
    await eventually(async () => expect(await unpublished()).toHaveLength(40));
  });

  it('is published together with all others of its type, in steps, once a queue takes it', async () => {
    const bus = new Broker();
    await world.db.sql(
      `INSERT INTO messaging.outbox (id, type, body, claimed_until, returned_at)
      SELECT gen_random_uuid(), 'note.written', '{}', 'infinity', now() FROM generate_series(1, 3000)`,
    );
    bus.bound.add('note.written');
    const { stats } = await started({ bus, keptTypes, limits });
    await eventually(async () => expect(await unpublished()).toEqual([]), { within: 20_000 });
    expect(bus.taken).toHaveLength(3_000);
    expect(stats().relay.failed).toBe(0);
  });

  it('is published by another instance if the instance that claimed it has crashed', async () => {
    const first = await started({ bus: new Broker(), keptTypes, limits });
    await first.uow.run((tx) => writeNote(tx, 'left-behind'));
    await eventually(() => expect(first.stats().relay.returned).toBe(1));
    await first.stop();
    const bus = new Broker();
    bus.bound.add('note.written');
    await started({ bus, keptTypes, limits });
    await allPublished();
    expect(bus.taken).toHaveLength(1);
  });

  it('is given up if no queue has taken it for as long as the outbox keeps events', async () => {
    const bus = new Broker();
    const ages = [8 * dayMs, 6 * dayMs].map((ms) => new Date(Date.now() - ms));
    for (const time of ages)
      await world.db.sql(
        `INSERT INTO messaging.outbox (id, type, body, created_at, claimed_until, returned_at)
        VALUES ($1, 'note.written', '{}', $2, 'infinity', $2)`,
        [idOf(time), time],
      );
    await started({ bus, keptTypes, limits });
    await eventually(async () => expect(await unpublished()).toHaveLength(1));
    await eventually(() => expect(bus.triesOf('note.written')).toBeGreaterThan(2));
    expect(await unpublished()).toHaveLength(1);
  });
});
