export { brokerUser, defaultPrefix, prefixPattern } from '@warren/amqp-link';
export {
  createMemoryEventBus,
  type DeadLetter,
  type MemoryEventBus,
  type MemoryEventBusOptions,
} from './memory/bus.js';
export * from './port.js';
export { createRabbitMqEventBus, type RabbitMqEventBusOptions } from './rabbitmq/bus.js';
export { header as deadLetterHeader } from './rabbitmq/messages.js';
export { type BrokerNames, brokerNames } from './rabbitmq/names.js';
export type { DeadLetterMessage } from './rabbitmq/operator/dead-letter.js';
export { OperatorError, type OperatorErrorCode } from './rabbitmq/operator/error.js';
export type { HeldDeadLetters } from './rabbitmq/operator/held.js';
export {
  type Operator,
  type OperatorOptions,
  openOperator,
  type QueueState,
} from './rabbitmq/operator/operator.js';
export type { HoldOptions } from './rabbitmq/operator/take.js';
export type { Authorize } from './rabbitmq/publisher-check.js';
