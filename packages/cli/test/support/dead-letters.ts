import { afterAll, beforeAll, beforeEach, expect } from '@jest/globals';
import { brokerNames, deadLetterHeader } from '@warren/event-bus';
import { eventually } from '@warren/testing';
import { declareQueuesOf } from '../../../event-bus/test/support/letters.js';
import type { Bench } from '../../../event-bus/test/support/rabbitmq.js';
import { uniqueName } from '../../../event-bus/test/support/recorder.js';
import { type Live, type Ran, warren } from './cli.js';
import { idOf } from './database.js';

const { deadQueue, eventsQueue, failuresExchange } = brokerNames();

export interface Letter {
  id: string;
  type?: string;
  reason?: string;
  error?: string;
  /** Days since the event happened and failed. Default 0. */
  daysOld?: number;
  replayId?: string;
}

/** Gives each test a service with queues of its own, and runs `warren dead-letters` for that service. */
export function deadLetters(openBench: () => Promise<Bench>) {
  let bench: Bench;
  let service: string;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    service = uniqueName('service');
    await declareQueuesOf(bench, service, ['user.updated']);
  });

  const counts = async () => {
    const [events, dead] = await Promise.all([
      bench.raw.checkQueue(eventsQueue(service)),
      bench.raw.checkQueue(deadQueue(service)),
    ]);
    return { events: events.messageCount, dead: dead.messageCount };
  };
  return {
    /** The broker's address. Available once the tests run. */
    get url() {
      return bench.url;
    },
    get service() {
      return service;
    },
    run: (line: string, env: Record<string, string> = {}, live?: Live): Promise<Ran> =>
      warren(`dead-letters ${line} --service ${service}`, { AMQP_URL: bench.url, ...env }, live),
    put: (letters: readonly Letter[]) => put(bench, service, letters),
    counts,
    /** Waits, because the broker counts a returned message only after a moment. */
    settled: (expected: { events: number; dead: number }) =>
      eventually(async () => expect(await counts()).toEqual(expected)),
    lettersOf: (count: number, given: Partial<Letter> = {}): Letter[] =>
      Array.from({ length: count }, () => ({ id: idOf(given.daysOld), ...given })),
  };
}

/** Publishes dead letters in the form in which a service publishes them. */
async function put(bench: Bench, service: string, letters: readonly Letter[]): Promise<void> {
  for (const {
    id,
    type = 'user.updated',
    reason = 'permanent',
    error = 'no',
    daysOld = 0,
    replayId,
  } of letters) {
    const time = new Date(Date.now() - daysOld * 86_400_000);
    const body = { id, type, time: time.toISOString(), data: {}, ...(replayId && { replayid: replayId }) };
    bench.raw.publish(failuresExchange(service), deadQueue(service), Buffer.from(JSON.stringify(body)), {
      persistent: true,
      userId: bench.user,
      messageId: id,
      type,
      headers: {
        [deadLetterHeader.reason]: reason,
        [deadLetterHeader.attempts]: 1,
        [deadLetterHeader.firstFailedAt]: time.toISOString(),
        [deadLetterHeader.errorMessage]: error,
        [deadLetterHeader.errorStack]: `Error: ${error}\n    at somewhere`,
      },
    });
  }
  await bench.raw.waitForConfirms();
}
