export { createLocalNodeLink } from './local.js';
export {
  createRabbitMqNodeLink,
  nodesExchange,
  type RabbitMqNodeLink,
  type RabbitMqNodeLinkOptions,
} from './rabbitmq.js';
