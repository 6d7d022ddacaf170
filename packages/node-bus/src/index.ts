export { createMemoryNodes, type MemoryNodeOptions, type MemoryNodes } from './memory.js';
export * from './port.js';
export {
  createRabbitMqNodeBus,
  type EventSource,
  nodesExchange,
  type RabbitMqNodeBusOptions,
} from './rabbitmq/bus.js';
