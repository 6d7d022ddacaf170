import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { brokerNames, createRabbitMqEventBus, deadLetterHeader, type EventBus } from '@warren/event-bus';
import { eventually, type TestBroker, testBroker } from '@warren/testing';
import { type ChannelModel, connect } from 'amqplib';
import { noteEvent } from './support/deliveries.js';
import { type Fixture, fixture, quiet } from './support/fixture.js';

const { deadQueue } = brokerNames();

let db: Fixture;
let broker: TestBroker;
let bus: EventBus;
let raw: ChannelModel;
beforeAll(async () => {
  [db, broker] = await Promise.all([fixture(), testBroker()]);
  bus = createRabbitMqEventBus({ service: 'note', log: quiet, url: broker.url });
  raw = await connect(broker.url);
});
afterAll(async () => {
  await bus.close();
  await raw.close();
  await Promise.all([db.close(), broker.close()]);
});

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});

function startService(): ChildProcess {
  const child = fork(fileURLToPath(new URL('./support/crashing-service.mjs', import.meta.url)), {
    env: { PATH: process.env.PATH, DATABASE_URL: db.url, AMQP_URL: broker.url },
    execArgv: [],
  });
  children.push(child);
  return child;
}

/** The queue is there and bound, but nobody takes from it. */
async function declareQueue(): Promise<void> {
  const subscribed = await bus.subscribe({
    service: 'note',
    types: ['note.written'],
    handle: async () => [],
    probe: async () => undefined,
  });
  await subscribed.close();
}

async function names(): Promise<number> {
  const rows = await db.sql<{ names: number }>(
    'SELECT cardinality(named_by) AS names FROM messaging.suspect',
  );
  expect(rows.length).toBeLessThan(2);
  return rows[0]?.names ?? 0;
}

describe('a message that crashes each process that handles it', () => {
  it('becomes a dead letter after three crashes, and all other messages are handled once', async () => {
    await declareQueue();
    const neighbours = Array.from({ length: 40 }, (_, index) => `neighbour-${index}`);
    const subjects = [...neighbours.slice(0, 20), 'crasher', ...neighbours.slice(20)];
    const events = subjects.map((subject) => noteEvent({ subject }));
    await Promise.all(
      events.map((event) => bus.publish({ id: event.id, type: event.type, body: JSON.stringify(event) })),
    );

    // The first one had it among all others; from then on it is named.
    for (const named of [0, 1, 2, 3]) {
      const [, signal] = await once(startService(), 'exit');
      expect({ signal, named: await names() }).toEqual({ signal: 'SIGKILL', named });
    }
    const survivor = startService();
    const channel = await raw.createChannel();
    const letter = await eventually(
      async () => {
        const message = await channel.get(deadQueue('note'));
        if (!message) throw new Error('no dead letter');
        return message;
      },
      { within: 40_000 },
    );
    const crasher = events[20];
    expect(letter.properties).toMatchObject({
      messageId: crasher?.id,
      headers: { [deadLetterHeader.reason]: 'crash-loop', [deadLetterHeader.attempts]: 1 },
    });

    await eventually(
      async () => expect(await db.sql('SELECT FROM messaging.inbox')).toHaveLength(neighbours.length),
      { within: 40_000 },
    );
    expect(await db.sql('SELECT FROM note')).toHaveLength(neighbours.length);
    expect(await db.sql('SELECT id FROM note WHERE times > 1')).toEqual([]);
    expect(await channel.checkQueue(deadQueue('note'))).toMatchObject({ messageCount: 0 });
    expect(survivor.signalCode).toBeNull();
  }, 180_000);
});
