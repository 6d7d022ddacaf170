import { afterAll, beforeAll, beforeEach, expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import { declareQueuesOf } from '../../../event-bus/test/support/letters.js';
import type { Bench } from '../../../event-bus/test/support/rabbitmq.js';
import { uniqueName } from '../../../event-bus/test/support/recorder.js';
import { type Live, type Ran, warren } from './cli.js';
import { idOf, type Letter, put, waiting } from './letters.js';

/** A service of its own for each test, and the command line as it is run for it. */
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

  const counts = () => waiting(bench, service);
  return {
    /** The broker's address; only once the tests run. */
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
    /** What was given back takes a moment to be there again. */
    settled: (expected: { events: number; dead: number }) =>
      eventually(async () => expect(await counts()).toEqual(expected)),
    lettersOf: (count: number, given: Partial<Letter> = {}): Letter[] =>
      Array.from({ length: count }, () => ({ id: idOf(given.daysOld), ...given })),
  };
}
