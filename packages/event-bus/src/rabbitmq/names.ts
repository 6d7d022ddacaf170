import { defaultPrefix, requirePrefix } from '@warren/amqp-link';

/** The names of exchanges and queues. Systems with different prefixes can share a broker. */
export interface BrokerNames {
  readonly eventsExchange: string;
  /** For events that are meant for one service. Keys are `<addressee>.<type>`, so that permissions can go by type. */
  readonly replaysExchange: string;
  eventsQueue(service: string): string;
  deadQueue(service: string): string;
  /** A service sends here what it could not handle; its delays send it back here. Keys are queue names. */
  failuresExchange(service: string): string;
  retryQueue(service: string, delayMs: number): string;
  /** A short-lived queue by which a service looks at exchanges and bindings. */
  lookQueue(service: string, id: string): string;
}

/** Throws `RangeError` for a prefix that isn't in kebab case. */
export function brokerNames(prefix: string = defaultPrefix): BrokerNames {
  requirePrefix(prefix);
  return {
    eventsExchange: `${prefix}.events`,
    replaysExchange: `${prefix}.replays`,
    eventsQueue: (service) => `${prefix}.${service}.events`,
    deadQueue: (service) => `${prefix}.${service}.dead`,
    failuresExchange: (service) => `${prefix}.${service}.failures`,
    retryQueue: (service, delayMs) => `${prefix}.${service}.retry.${delayName(delayMs)}`,
    lookQueue: (service, id) => `${prefix}.${service}.topology.${id}`,
  };
}

/** `250ms`, `5s`, `2m`: how operators read it. */
function delayName(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
