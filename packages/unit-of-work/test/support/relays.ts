import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import { eventually } from '@warren/testing';
import { type Fixture, fixture, type Instance, type InstanceOptions } from './fixture.js';

export interface Relays {
  /** Only once the tests run. */
  readonly db: Fixture;
  /** An instance that polls quickly, and stops after the test. */
  started(options?: InstanceOptions): Promise<Instance>;
  stopAfterTest(instance: Instance): void;
  unpublished(): Promise<string[]>;
  allPublished(): Promise<void>;
}

export const quick = { pollMs: 20, stopMs: 100 };

/** One database for all tests of a file, with an empty outbox for each. */
export function relays(): Relays {
  let db: Fixture;
  let running: Instance[] = [];
  beforeAll(async () => {
    db = await fixture();
  });
  afterAll(() => db.close());
  beforeEach(() => db.sql('TRUNCATE messaging.outbox'));
  afterEach(async () => {
    await Promise.all(running.map((instance) => instance.stop()));
    running = [];
  });

  const unpublished = async () =>
    (await db.sql<{ id: string }>('SELECT id FROM messaging.outbox WHERE published_at IS NULL')).map(
      ({ id }) => id,
    );
  return {
    get db() {
      return db;
    },
    async started(options = {}) {
      const instance = db.instance({ ...options, limits: { ...quick, ...options.limits } });
      await instance.start({ handlers: [] });
      running.push(instance);
      return instance;
    },
    stopAfterTest(instance) {
      running.push(instance);
    },
    unpublished,
    allPublished: () => eventually(async () => expect(await unpublished()).toEqual([])),
  };
}
