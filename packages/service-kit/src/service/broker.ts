import { createRabbitMqEventBus, type EventBus } from '@warren/event-bus';
import { createRabbitMqNodeLink, type NodeLink } from '@warren/realtime';
import type { Logger } from 'pino';
import { ConfigError } from '../config/read-config.js';
import { ServiceBus } from './service-bus.js';

export interface BrokerOptions {
  url: string | undefined;
  service: string;
  node: string;
  log: Logger;
  bus?: EventBus | undefined;
  link?: NodeLink | undefined;
}

/** RabbitMQ where `AMQP_URL` names it, otherwise the bus that the process brings. Throws `ConfigError` without both. */
export function openBus({ url, service, log, bus }: BrokerOptions): ServiceBus {
  if (url !== undefined) return new ServiceBus(createRabbitMqEventBus({ url, service, log }), true);
  if (bus) return new ServiceBus(bus, false);
  throw new ConfigError(['AMQP_URL is missing: without RabbitMQ this service can neither tell nor hear anything']);
}

/** How this instance reaches the sockets on others. Without a broker there are no others. */
export function openLink({ url, service, node, log, link }: BrokerOptions): NodeLink {
  if (url !== undefined) return createRabbitMqNodeLink({ url, service, node, log });
  return link ? borrowed(link) : alone;
}

/** Stays its owner's: closing the service doesn't close it. */
function borrowed(link: NodeLink): NodeLink {
  return {
    broadcast: (message) => link.broadcast(message),
    onMessage: (listener) => link.onMessage(listener),
    get state() {
      return link.state;
    },
    close: async () => {},
  };
}

const alone: NodeLink = { broadcast() {}, onMessage() {}, state: 'up', close: async () => {} };
