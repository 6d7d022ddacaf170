import { describe, expect, it } from '@jest/globals';
import { services } from './support/services.js';

describe('the contracts of all services', () => {
  const consumed = new Set(services.flatMap(({ consumes }) => consumes));
  const emitted = services.flatMap(({ name, contract: { emits, discardable = [] } }) =>
    Object.keys(emits).map((type) => ({ name, type, isDiscardable: discardable.includes(type) })),
  );

  it('list an event type as discardable exactly where no service handles it', () => {
    // One that is handled would be lost while its queue is missing. One that nobody handles would wait for a queue.
    const wrong = emitted.filter(({ type, isDiscardable }) => isDiscardable === consumed.has(type));
    expect(wrong).toEqual([]);
  });

  it('emit every event type that some service handles', () => {
    const types = new Set(emitted.map(({ type }) => type));
    expect([...consumed].filter((type) => !types.has(type))).toEqual([]);
  });
});
