import { revocationType, type ServiceContract, takesFrom } from '@warren/contracts';
import { brokerNames, brokerUser, createRabbitMqEventBus, type EventBus } from '@warren/event-bus';
import { createRabbitMqNodeBus, type MemoryNodes, type NodeBus } from '@warren/node-bus';
import type { Logger } from 'pino';
import { ServiceBus } from './service-bus.js';

export interface BrokerOptions {
  /** Of RabbitMQ; undefined if the process brings its own bus. */
  url: string | undefined;
  /** What the names of exchanges and queues begin with. */
  prefix: string;
  users: 'per-service' | 'shared';
  service: string;
  node: string;
  /** The service's own, which says what it accepts from others. */
  contract: ServiceContract;
  log: Logger;
}

/** What a process brings instead of a broker. */
export interface GivenParts {
  bus: EventBus | undefined;
  nodes: MemoryNodes;
}

export function openBus(options: BrokerOptions, given: GivenParts): ServiceBus {
  const { url, prefix, service, log } = options;
  if (url !== undefined) {
    const authorize = authorizeOf(options, url);
    const serviceUsers = options.users === 'per-service';
    return new ServiceBus(
      createRabbitMqEventBus({ url, prefix, service, authorize, serviceUsers, log }),
      true,
    );
  }
  if (given.bus) return new ServiceBus(given.bus, false, (event) => given.nodes.publish(event));
  throw new TypeError('neither the address of a broker nor a bus');
}

/** How this instance reaches the other instances of its service. Each of them hears every revocation of a session. */
export function openNodes(options: BrokerOptions, given: GivenParts): NodeBus {
  const { url, prefix, service, node, log } = options;
  const types = [revocationType];
  if (url === undefined) return given.nodes.join({ service, events: types, log });
  const { eventsExchange: exchange } = brokerNames(prefix);
  const events = { exchange, types, authorize: authorizeOf(options, url) };
  return createRabbitMqNodeBus({ url, prefix, service, node, events, log });
}

/** Which broker user may publish events of which type. */
function authorizeOf({ users, contract }: BrokerOptions, url: string) {
  const user = brokerUser(url);
  return (publisher: string, type: string): boolean =>
    users === 'per-service' ? takesFrom(contract, publisher, type) : publisher === user;
}
