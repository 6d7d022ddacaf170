export { createMemoryEventBus, type MemoryEventBus, type MemoryEventBusOptions } from './memory/bus.js';
export type { DeadLetter } from './memory/dead-letters.js';
export * from './port.js';
export { createRabbitMqEventBus, type RabbitMqEventBusOptions } from './rabbitmq/bus.js';
export { header as deadLetterHeader } from './rabbitmq/messages.js';
export {
  deadQueue,
  eventsExchange,
  eventsQueue,
  failuresExchange,
  replaysExchange,
  retryQueue,
} from './rabbitmq/topology.js';
