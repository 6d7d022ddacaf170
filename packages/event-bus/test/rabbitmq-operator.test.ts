import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import {
  brokerNames,
  createRabbitMqEventBus,
  type HoldOptions,
  type Operator,
  openOperator,
} from '../src/index.js';
import { crashUntilDead, declareQueuesOf, putLetters, retryDelays, waiting } from './support/letters.js';
import { type Bench, describeOnBrokers, proxied, silent } from './support/rabbitmq.js';
import { record, uniqueName } from './support/recorder.js';

const { deadQueue, eventsExchange, eventsQueue, failuresExchange, retryQueue } = brokerNames();

describeOnBrokers('an operator who works with dead letters', (openBench) => {
  let bench: Bench;
  let service: string;
  let type: string;
  const opened: Array<{ close(): Promise<void> }> = [];

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    service = uniqueName('service');
    type = uniqueName('thing.happened');
    await declareQueuesOf(bench, service, [type]);
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  async function operator(url = bench.url): Promise<Operator> {
    const one = await openOperator({ url, service, retryDelays });
    opened.push(one);
    return one;
  }

  async function look(one: Operator, options: Partial<HoldOptions> = {}): Promise<string[]> {
    const held = await one.hold({ scan: 1_000, limit: 1_000, ...options });
    await held.release();
    return held.letters.map(({ id }) => id);
  }

  /** Waits until released letters are back in the queue. */
  const settled = (counts: { events: number; dead: number }) =>
    eventually(async () => expect(await waiting(bench, service)).toEqual(counts));

  it('reads them sixty times without losing, duplicating or reordering any', async () => {
    const ids = await putLetters(bench, service, 30);
    const one = await operator();
    for (let n = 0; n < 60; n += 1) {
      expect(await look(one, n % 2 ? { limit: 7 } : {})).toEqual(n % 2 ? ids.slice(0, 7) : ids);
      await settled({ events: 0, dead: 30 });
    }
  }, 120_000);

  it('reads the fields and the body of a letter', async () => {
    await putLetters(bench, service, 1);
    const held = await (await operator()).hold({ scan: 10, limit: 10 });
    const [letter] = held.letters;
    expect(letter).toEqual({
      id: 'letter-0',
      type: 'thing.happened',
      reason: 'permanent',
      attempts: 2,
      firstFailedAt: '2026-01-02T03:04:05.678Z',
      publishedAt: '2025-06-15T15:06:40.000Z',
      producer: 'producer',
      error: 'no such thing',
      stack: 'Error: no such thing\n    at somewhere',
      bytes: 17,
    });
    expect(letter && held.bodyOf(letter)).toBe('{"id":"letter-0"}');
    await held.release();
  });

  it('reads letters whose headers are missing or of another type', async () => {
    await putLetters(bench, service, 1, {
      headers: { 'x-death': 'yes', 'x-warren-attempts': 'many', 'x-warren-first-failed-at': 'then' },
    });
    const held = await (await operator()).hold({ scan: 10, limit: 10 });
    await held.release();
    expect(held.letters).toMatchObject([{ id: 'letter-0', reason: 'unknown', attempts: 1 }]);
    expect(held.letters[0]).not.toHaveProperty('firstFailedAt');
  });

  it('keeps only the letters that match, up to the limits on number and bytes', async () => {
    const ids = await putLetters(bench, service, 20);
    const one = await operator();
    expect(await look(one, { keep: ({ id }) => id.endsWith('5') })).toEqual(['letter-5', 'letter-15']);
    await settled({ events: 0, dead: 20 });
    expect(await look(one, { maxBytes: 30 })).toEqual(ids.slice(0, 2));
    await settled({ events: 0, dead: 20 });
    const held = await one.hold({ scan: 12, limit: 3, keep: ({ id }) => id !== 'letter-1' });
    await held.release();
    expect([held.letters.length, held.matching, held.looked, held.waiting]).toEqual([3, 11, 12, 20]);
    await settled({ events: 0, dead: 20 });
  });

  it('retries letters: the consumer gets each once as attempt 1, and the time of the first failure is kept', async () => {
    await putLetters(bench, service, 3, { type });
    const held = await (await operator()).hold({ scan: 10, limit: 10, keep: ({ id }) => id !== 'letter-1' });
    for (const letter of held.letters) expect(await held.retry(letter)).toBe('retried');
    await held.release();
    await settled({ events: 2, dead: 1 });
    const bus = createRabbitMqEventBus({ url: bench.url, service, retryDelays, log: silent });
    opened.push(bus);
    const seen = await record(bus, { service, types: [type] }, ({ id }) =>
      id === 'letter-2' ? { kind: 'dead', reason: 'permanent', error: new Error('again') } : { kind: 'done' },
    );
    await settled({ events: 0, dead: 2 });
    expect(seen.deliveries.map(({ id, type: as, attempt }) => `${id} ${as} ${attempt}`)).toEqual([
      `letter-0 ${type} 1`,
      `letter-2 ${type} 1`,
    ]);
    const again = await (await operator()).hold({ scan: 10, limit: 10 });
    await again.release();
    expect(again.letters).toMatchObject([
      { id: 'letter-1' },
      { id: 'letter-2', error: 'again', attempts: 1, firstFailedAt: '2026-01-02T03:04:05.678Z' },
    ]);
  });

  it('keeps a letter in both queues if the connection is cut after the broker has taken the retried copy', async () => {
    await putLetters(bench, service, 2);
    const { url, proxy } = await proxied(bench.url);
    const held = await (await operator(url)).hold({ scan: 2, limit: 2 });
    opened.push(proxy);
    const [first, second] = held.letters;
    // The first retry opens the channel, so that only the confirm of the second one is held.
    expect(first && (await held.retry(first))).toBe('retried');
    proxy.holdAnswers();
    const retrying = second && held.retry(second).catch((error: unknown) => error);
    await eventually(async () => expect((await waiting(bench, service)).events).toBe(2));
    proxy.cut();
    expect(await retrying).toMatchObject({ name: 'OperatorError', code: 'unreachable' });
    await settled({ events: 2, dead: 1 });
  });

  it('keeps a letter if the connection is cut before the broker has taken the retried copy', async () => {
    await putLetters(bench, service, 1);
    const { url, proxy } = await proxied(bench.url);
    const held = await (await operator(url)).hold({ scan: 1, limit: 1 });
    opened.push(proxy);
    proxy.stall();
    const [letter] = held.letters;
    const retrying = letter && held.retry(letter).catch((error: unknown) => error);
    proxy.cut();
    expect(await retrying).toMatchObject({ code: 'unreachable' });
    await settled({ events: 0, dead: 1 });
  });

  it('keeps a letter if the events queue is missing', async () => {
    await putLetters(bench, service, 1);
    await bench.raw.deleteQueue(eventsQueue(service));
    const held = await (await operator()).hold({ scan: 1, limit: 1 });
    for (const letter of held.letters) expect(await held.retry(letter)).toBe('unroutable');
    await held.release();
    await eventually(async () => {
      expect((await bench.raw.checkQueue(deadQueue(service))).messageCount).toBe(1);
    });
  });

  it('discards thousands of letters for good', async () => {
    await putLetters(bench, service, 4_001);
    const held = await (await operator()).hold({ scan: 5_000, limit: 4_000 });
    expect([held.letters.length, held.looked, held.waiting]).toEqual([4_000, 4_001, 4_001]);
    for (const letter of held.letters) await held.discard(letter);
    await held.release();
    await settled({ events: 0, dead: 1 });
    expect(await look(await operator())).toEqual(['letter-4000']);
    await settled({ events: 0, dead: 1 });
  });

  it('is told if another consumer takes letters at the same time', async () => {
    await putLetters(bench, service, 4);
    const first = await (await operator()).hold({ scan: 2, limit: 2 });
    const { consumerTag } = await bench.raw.consume(deadQueue(service), () => undefined);
    const second = await (await operator()).hold({ scan: 10, limit: 10 });
    expect(second.shared).toBe(true);
    await bench.raw.cancel(consumerTag);
    bench.raw.nackAll(true);
    await first.release();
    await second.release();
    await settled({ events: 0, dead: 4 });
  });

  it('reads a letter that the broker moved, with the type that its routing key had', async () => {
    const limited = uniqueName('limited');
    const events = eventsQueue(limited);
    await bench.raw.assertQueue(events, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': 1,
        'x-dead-letter-exchange': failuresExchange(limited),
        'x-dead-letter-routing-key': deadQueue(limited),
      },
    });
    await declareQueuesOf(bench, limited, [type]);
    bench.raw.publish(eventsExchange, type, Buffer.from('{}'), {
      messageId: 'crasher',
      type: 'user.deleted',
    });
    await bench.raw.waitForConfirms();
    await crashUntilDead(bench.url, limited);
    const one = await openOperator({ url: bench.url, service: limited, retryDelays });
    opened.push(one);
    const held = await eventually(async () => {
      const now = await one.hold({ scan: 10, limit: 10 });
      if (now.letters.length === 0) await now.release();
      expect(now.letters).toHaveLength(1);
      return now;
    });
    expect(held.letters).toMatchObject([{ id: 'crasher', type, reason: 'delivery-limit', attempts: 1 }]);
    expect(Date.now() - Date.parse(held.letters[0]?.firstFailedAt ?? '')).toBeLessThan(60_000);
    for (const letter of held.letters) await held.retry(letter);
    await held.release();
    const retried = await eventually(async () => {
      const message = await bench.raw.get(events, { noAck: true });
      if (!message) throw new Error('not there yet');
      return message;
    });
    expect(retried.properties).toMatchObject({ messageId: 'crasher', type });
    expect(retried.properties.headers).not.toHaveProperty('x-death');
  });

  it('does not read letters if each read counts towards a delivery limit, unless told to', async () => {
    const limited = uniqueName('limited');
    await bench.raw.assertQueue(deadQueue(limited), {
      durable: true,
      arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 5 },
    });
    await declareQueuesOf(bench, limited, [type]);
    await putLetters(bench, limited, 1);
    const one = await openOperator({ url: bench.url, service: limited, retryDelays });
    opened.push(one);
    await expect(one.hold({ scan: 1, limit: 1 })).rejects.toMatchObject({ code: 'reads-counted' });
    expect(await look(one, { despiteLimit: true } as Partial<HoldOptions>)).toEqual(['letter-0']);
  });

  it('lists the queues and shows which are missing', async () => {
    await putLetters(bench, service, 2);
    await bench.raw.deleteQueue(retryQueue(service, 40));
    expect(await (await operator()).queues()).toEqual([
      { name: eventsQueue(service), messages: 0, consumers: 0 },
      { name: retryQueue(service, 40) },
      { name: deadQueue(service), messages: 2, consumers: 0 },
    ]);
    const nobody = await openOperator({ url: bench.url, service: uniqueName('nobody') });
    opened.push(nobody);
    await expect(nobody.hold({ scan: 1, limit: 1 })).rejects.toMatchObject({ code: 'queue-missing' });
  });

  it('gets the reason, without the password, if it can not connect', async () => {
    const wrong = new URL(bench.url);
    wrong.password = 'not-the-secret';
    const refused = openOperator({ url: wrong.href, service }).catch((error: unknown) => error);
    expect(await refused).toMatchObject({ name: 'OperatorError', code: expect.any(String) });
    expect(String(await refused)).not.toContain('not-the-secret');
  });
});
