import { afterAll, beforeAll } from '@jest/globals';
import { describeEventBus } from './conformance.js';
import { type Bench, describeOnBrokers, rabbitMqFixture } from './support/rabbitmq.js';

describeOnBrokers('on a real broker', (open) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await open();
  });
  afterAll(() => bench.close());

  describeEventBus({
    name: 'rabbitmq',
    create: () => rabbitMqFixture(bench),
    features: { crash: true, duplicates: true, confirmsBeforeHandling: true },
  });
});
