import { defaultPrefix, requirePrefix } from '@warren/amqp-link';

/** The exchange of a service's nodes. Each service has one of its own, so that permissions can go by service. */
export function nodesExchange(service: string, prefix: string = defaultPrefix): string {
  requirePrefix(prefix);
  return `${prefix}.${service}.nodes`;
}

/** The routing key that reaches all nodes of the service. */
export const everyNode = 'all';

/**
 * The routing key of messages with which a node checks that its queue `queueId` is still bound. It is the type of no event.
 * The broker lets each service publish and bind such keys on the events exchange.
 */
export function checkKey(service: string, queueId: string): string {
  return `${service}.bindings-checked.${queueId}`;
}

/** The queue of one node. `id` is new for each channel. */
export function nodeQueue(prefix: string, service: string, node: string, id: string): string {
  return `${prefix}.${service}.node.${node}.${id}`;
}
