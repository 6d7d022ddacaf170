import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeEventBus } from './conformance.js';
import { type Bench, openBench, rabbitMqFixture } from './support/rabbitmq.js';

describe('on a real broker', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  describeEventBus({
    name: 'rabbitmq',
    create: () => rabbitMqFixture(bench),
    features: { crash: true, duplicates: true, confirmsBeforeHandling: true },
  });
});
