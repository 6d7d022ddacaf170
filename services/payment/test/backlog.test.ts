import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

const provider = new FakeProvider();
let world: World;
let service: Instance;
beforeAll(async () => {
  world = await World.create();
  const durations = { answerWithinMs: 20_000 };
  service = await world.start({ provider, durations, env: { OUTBOX_BACKLOG: '5' } });
}, startTimeout);
afterAll(() => world.close());

/** Fills the outbox, as if the broker were unreachable. */
async function fillOutbox(): Promise<void> {
  await service.client.$executeRaw`
    INSERT INTO messaging.outbox (id, type, body, claimed_until)
    SELECT gen_random_uuid(), 'payment.processing', '{}', now() + interval '1 hour' FROM generate_series(1, 10)`;
  await eventually(async () => {
    await expect(service.uow.run(async () => undefined)).rejects.toThrow('Too much work');
  });
}

it('refuses new payments while too many events wait in the outbox, but settles payments whose money has moved', async () => {
  const [payer, recipient] = await world.people();
  provider.beforeMove = fillOutbox;
  const { body } = await service.pay(payer, recipient);
  expect(body.status).toBe('succeeded');
  expect(await service.balance(recipient)).toBe(1250);
  const refused = await service.pay(payer, recipient);
  expect([refused.status, refused.body.code]).toEqual([503, 'service-overloaded']);
  expect(provider.moves).toBe(1);
});
