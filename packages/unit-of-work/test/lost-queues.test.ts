import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { brokerNames, createRabbitMqEventBus, type EventBus } from '@warren/event-bus';
import { eventually, type TestBroker, testBroker } from '@warren/testing';
import type { Messaging, RawClient } from '@warren/unit-of-work';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { quiet } from './support/fixture.js';
import { noteSide, readerSide, type Side, wantedNotes } from './support/two-services.js';

const { eventsExchange, eventsQueue, replaysExchange } = brokerNames();

const quick = { returnedMs: 100, catchUpPatienceMs: 1_000 };

interface Reader {
  bus: EventBus;
  messaging: Messaging<RawClient>;
}

/** Two services on a real broker, in a vhost of the test's own. */
describe('a queue that is lost while services run', () => {
  let broker: TestBroker;
  let model: ChannelModel;
  let raw: ConfirmChannel;
  let note: Side;
  let reader: Side;
  let buses: EventBus[];
  let producer: Messaging<RawClient>;

  beforeAll(async () => {
    broker = await testBroker();
    model = await connect(broker.url);
    raw = await model.createConfirmChannel();
    raw.on('error', () => undefined);
  }, 60_000);
  afterAll(async () => {
    await model?.close();
    await broker?.close();
  }, 60_000);
  beforeEach(async () => {
    buses = [];
    [note, reader] = await Promise.all([noteSide(), readerSide()]);
  });
  afterEach(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all([note.close(), reader.close()]);
    await deleteQueues();
  }, 60_000);

  function busOf(service: string): EventBus {
    const bus = createRabbitMqEventBus({
      url: broker.url,
      service,
      retryDelays: [100],
      checkEveryMs: 300,
      log: quiet,
    });
    buses.push(bus);
    return bus;
  }

  async function startNote(): Promise<void> {
    const bus = busOf('note');
    producer = await note.start(bus, quick, wantedNotes);
    await eventually(() => expect(bus.state).toBe('up'));
  }

  async function startReader(): Promise<Reader> {
    const bus = busOf('reader');
    const messaging = await reader.start(bus, quick);
    await eventually(async () => {
      expect(await reader.sql('SELECT 1 FROM messaging.queue WHERE whole_at IS NOT NULL')).toHaveLength(1);
      expect(bus.state).toBe('up');
      expect(messaging.stats()).toMatchObject({ copiesMissing: 0, recovering: 0 });
    });
    return { bus, messaging };
  }

  async function write(id: string): Promise<void> {
    await producer.uow.run(async (tx) => {
      await tx.$queryRawUnsafe('INSERT INTO note VALUES ($1, 1, $1) RETURNING id', id);
      tx.publish({ type: 'note.written', subject: id, version: 1, data: { text: id } });
    });
  }

  const effects = async () =>
    (await reader.sql<{ subject: string }>('SELECT subject FROM effect ORDER BY subject')).map(
      ({ subject }) => subject,
    );
  const copies = async () =>
    (await reader.sql<{ id: string }>('SELECT id FROM note_copy ORDER BY id')).map(({ id }) => id);
  const published = async (count: number) =>
    eventually(async () =>
      expect(await note.sql('SELECT 1 FROM messaging.outbox WHERE published_at IS NOT NULL')).toHaveLength(
        count,
      ),
    );

  /** Both run, and the reader has handled the note `a`. */
  async function startBoth(): Promise<Reader> {
    await startNote();
    const started = await startReader();
    await write('a');
    await eventually(async () => expect(await effects()).toEqual(['a']));
    return started;
  }

  async function stopReader({ bus, messaging }: Reader): Promise<void> {
    await bus.close();
    await messaging.stop();
  }

  async function deleteQueues(): Promise<void> {
    for (const service of ['note', 'reader'])
      for (const end of ['events', 'dead', 'retry.100ms']) await raw.deleteQueue(`warren.${service}.${end}`);
  }

  /** Everything came once, the effects too, and nobody is still to be asked. */
  async function whole(messaging: Messaging<RawClient>, ids: readonly string[]): Promise<void> {
    await eventually(
      async () => {
        expect(await effects()).toEqual(ids);
        expect(await copies()).toEqual(ids);
        expect(messaging.stats().recovering).toBe(0);
        expect(await reader.sql('SELECT 1 FROM messaging.recovery WHERE completed_at IS NULL')).toEqual([]);
      },
      { within: 20_000 },
    );
  }

  it('loses none of its events: each is handled once, with its effects', async () => {
    await stopReader(await startBoth());
    for (const id of ['b', 'c']) await write(id);
    await published(3);
    await raw.deleteQueue(eventsQueue('reader'));
    const { messaging } = await startReader();
    await whole(messaging, ['a', 'b', 'c']);
  }, 60_000);

  it('gets back an event that was written long before it was published', async () => {
    await stopReader(await startBoth());
    await write('b');
    await published(2);
    // As where a relay or its broker was away for hours.
    await note.sql(`UPDATE messaging.outbox SET created_at = now() - interval '3 hours'`);
    await raw.deleteQueue(eventsQueue('reader'));
    const { messaging } = await startReader();
    await whole(messaging, ['a', 'b']);
  }, 60_000);

  it('is created again while its service runs, and gets the events that producers kept meanwhile', async () => {
    const { messaging } = await startBoth();
    await raw.deleteQueue(eventsQueue('reader'));
    for (const id of ['b', 'c', 'd']) await write(id);
    await whole(messaging, ['a', 'b', 'c', 'd']);
    await eventually(() => expect(producer.stats().relay).toMatchObject({ returned: 0, backlog: 0 }));
  }, 60_000);

  it('gets events that were published while its bindings were missing, even if another queue took them', async () => {
    const { messaging } = await startBoth();
    const other = (await raw.assertQueue('', { exclusive: true })).queue;
    await raw.deleteExchange(eventsExchange);
    await raw.assertExchange(eventsExchange, 'topic', { durable: true });
    await raw.bindQueue(other, eventsExchange, '#');
    // Not returned: the other queue has it.
    await write('b');
    await published(2);
    await whole(messaging, ['a', 'b']);
    await raw.deleteQueue(other);
  }, 60_000);

  it('is restored with everything else that the broker lost, without a restart', async () => {
    const { messaging } = await startBoth();
    await deleteQueues();
    for (const exchange of [eventsExchange, replaysExchange]) await raw.deleteExchange(exchange);
    for (const id of ['b', 'c']) await write(id);
    await whole(messaging, ['a', 'b', 'c']);
  }, 60_000);

  it('causes no request if the service is new and has handled nothing', async () => {
    await startNote();
    await write('before');
    const { messaging } = await startReader();
    await eventually(async () => expect(await copies()).toEqual(['before']));
    expect(await reader.sql('SELECT source FROM messaging.recovery')).toEqual([]);
    expect(messaging.stats().recovering).toBe(0);
  }, 60_000);

  it('causes a request for new copies if the loss is older than what outboxes keep', async () => {
    await stopReader(await startBoth());
    // Changed, published and dropped from the outbox while the reader was away.
    await note.sql(`INSERT INTO note VALUES ('b', 1, 'b')`);
    await reader.sql(`UPDATE messaging.queue SET whole_at = now() - interval '9 days'`);
    await raw.deleteQueue(eventsQueue('reader'));
    const { messaging } = await startReader();
    await eventually(async () => expect(await copies()).toEqual(['a', 'b']));
    expect(await effects()).toEqual(['a']);
    await eventually(() => expect(messaging.stats()).toMatchObject({ recovering: 0, copiesMissing: 0 }));
  }, 60_000);
});
