import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { defaultDurations } from '../src/operations/durations.js';
import { providerCalls } from '../src/operations/provider-calls.js';
import { FakeProvider } from './support/fake-provider.js';

it('provider calls are limited: an operation beyond the limit is refused before it is reserved', async () => {
  const calls = providerCalls({
    provider: new FakeProvider(),
    durations: defaultDurations,
    log: pino({ level: 'silent' }),
    // No call is made, so nothing is written.
    client: {} as never,
    uow: {} as never,
  });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reserving = Array.from({ length: 1_000 }, () => calls.admitted(() => held));
  let started = false;
  const oneMore = () =>
    calls.admitted(async () => {
      started = true;
    });
  await expect(oneMore()).rejects.toMatchObject({ code: 'service-overloaded' });
  expect(started).toBe(false);
  release();
  await Promise.all(reserving);
  await oneMore();
  expect(started).toBe(true);
});
