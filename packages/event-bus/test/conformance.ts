import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { deliveryRules } from './conformance/delivery.js';
import { endingsRules } from './conformance/endings.js';
import { failuresRules } from './conformance/failures.js';
import type { BusFeatures, BusFixture, Rule, Scene } from './conformance/rule.js';
import { uniqueName } from './support/recorder.js';

const rules: readonly Rule[] = [...deliveryRules, ...failuresRules, ...endingsRules];

/** Tests an adapter against the contract of `EventBus`. `create` is called for each test. */
export function describeEventBus(options: {
  name: string;
  create: () => Promise<BusFixture>;
  features: BusFeatures;
}): void {
  describe(`event bus: ${options.name}`, () => {
    let scene: Scene;

    beforeEach(async () => {
      const fixture = await options.create();
      const bus = await fixture.connect();
      const { features } = options;
      scene = { fixture, features, bus, service: uniqueName('service'), type: uniqueName('thing.happened') };
    });
    afterEach(() => scene.fixture.close());

    for (const { id, promise, needs, run } of rules) {
      const can = needs === undefined || options.features[needs];
      // The report shows why this adapter can't run a rule.
      if (can === true) it(`${id}: ${promise}`, () => run(scene));
      else it.skip(`${id}: ${promise} [skipped: ${can}]`, () => run(scene));
    }
  });
}
