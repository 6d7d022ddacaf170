import { createMemoryNodes } from '../src/index.js';
import { describeNodeBus } from './conformance.js';

describeNodeBus({
  name: 'memory',
  create: async () => {
    const nodes = createMemoryNodes();
    return {
      connect: async (service, type) => nodes.join({ service, events: [type] }),
      publish: async (event) => nodes.publish(event),
      close: async () => undefined,
    };
  },
  features: { outages: 'nodes of one process have no connection that could be lost' },
});
