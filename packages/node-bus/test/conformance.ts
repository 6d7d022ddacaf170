import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from '@jest/globals';
import { announcementRules } from './conformance/announcements.js';
import { endingRules } from './conformance/endings.js';
import { messageRules } from './conformance/messages.js';
import type { NodeBusFeatures, NodeBusFixture, Rule, Scene } from './conformance/rule.js';

const rules: readonly Rule[] = [...messageRules, ...announcementRules, ...endingRules];

/** Holds an adapter to the contract of `NodeBus`. `create` is called for each case. */
export function describeNodeBus(options: {
  name: string;
  create: () => Promise<NodeBusFixture>;
  features: NodeBusFeatures;
}): void {
  describe(`node bus: ${options.name}`, () => {
    let scene: Scene;

    beforeEach(async () => {
      const fixture = await options.create();
      const id = randomBytes(5).toString('hex');
      const [service, type] = [`service-${id}`, `thing-${id}.happened`];
      scene = { fixture, service, type, connect: () => fixture.connect(service, type) };
    });
    afterEach(() => scene.fixture.close());

    for (const { id, promise, needs, run } of rules) {
      const can = needs === undefined || options.features[needs];
      // A case that this adapter can't run shows its reason in the report.
      if (can === true) it(`${id}: ${promise}`, () => run(scene));
      else it.skip(`${id}: ${promise} [skipped: ${can}]`, () => run(scene));
    }
  });
}
