import { mayPublish, type ServiceContract } from '@warren/contracts';
import { createRabbitMqEventBus, type EventBus } from '@warren/event-bus';
import { createLocalNodeLink, createRabbitMqNodeLink, type NodeLink } from '@warren/realtime';
import type { Logger } from 'pino';
import { ServiceBus } from './service-bus.js';

export interface BrokerOptions {
  /** Of RabbitMQ; undefined where the process brings what it needs. */
  url: string | undefined;
  /** What the names of exchanges and queues begin with. */
  prefix: string;
  users: 'per-service' | 'shared';
  service: string;
  node: string;
  log: Logger;
}

/** `contracts`: whose events this service takes, its own among them. They say who may publish what. */
export function openBus(
  { url, prefix, users, service, log }: BrokerOptions,
  contracts: readonly ServiceContract[],
  given: EventBus | undefined,
): ServiceBus {
  if (url !== undefined) {
    const authorize = (publisher: string, type: string) => mayPublish(contracts, publisher, type);
    const isPerService = users === 'per-service';
    const bus = createRabbitMqEventBus({ url, prefix, service, log, ...(isPerService && { authorize }) });
    return new ServiceBus(bus, true);
  }
  if (given) return new ServiceBus(given, false);
  throw new TypeError('neither the address of a broker nor a bus');
}

/** How this instance reaches the sockets on others. Without a broker there are no others. */
export function openLink({ url, service, node, log }: BrokerOptions, given: NodeLink | undefined): NodeLink {
  if (url !== undefined) return createRabbitMqNodeLink({ url, service, node, log });
  return given ? borrowed(given) : createLocalNodeLink();
}

/** Stays its owner's: closing the service doesn't close it. */
function borrowed(link: NodeLink): NodeLink {
  return {
    broadcast: (message) => link.broadcast(message),
    get hasPeers() {
      return link.hasPeers;
    },
    onMessage: (listener) => link.onMessage(listener),
    get state() {
      return link.state;
    },
    get refused() {
      return link.refused;
    },
    close: async () => {},
  };
}
