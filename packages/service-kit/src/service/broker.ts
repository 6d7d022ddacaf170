import { revocationType, type ServiceContract, takesFrom } from '@warren/contracts';
import {
  type BusState,
  brokerNames,
  brokerUser,
  createRabbitMqEventBus,
  type EncodedEvent,
  type EventBus,
  type PublishReceipt,
  type Subscribed,
  type Subscription,
} from '@warren/event-bus';
import { createRabbitMqNodeBus, type MemoryNodes, type NodeBus } from '@warren/node-bus';
import type { Logger } from 'pino';

export interface BrokerOptions {
  /** Address of RabbitMQ; undefined if the process brings its own bus. */
  url: string | undefined;
  /** Prefix of the names of exchanges and queues. */
  prefix: string;
  users: 'per-service' | 'shared';
  service: string;
  node: string;
  /** The contract of the service itself; it says which events the service accepts from others. */
  contract: ServiceContract;
  log: Logger;
}

/** What a process brings instead of a broker. */
export interface GivenParts {
  bus: EventBus | undefined;
  nodes: MemoryNodes;
}

/** Throws `TypeError` without both an address and a bus. */
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

/** The bus between the instances of this service. Each instance also receives every revocation of a session on it. */
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

/** A service's view of a bus. It can stop consuming while it still publishes. */
export class ServiceBus implements EventBus {
  readonly #bus: EventBus;
  readonly #owned: boolean;
  readonly #onPublish: (event: EncodedEvent) => void;
  readonly #subscribed: Subscribed[] = [];

  /** `owned`: closing this closes the bus. `onPublish` is called for each event that goes to all services. */
  constructor(bus: EventBus, owned: boolean, onPublish: (event: EncodedEvent) => void = () => undefined) {
    this.#bus = bus;
    this.#owned = owned;
    this.#onPublish = onPublish;
  }

  get state(): BusState {
    return this.#bus.state;
  }

  get unauthorized(): number {
    return this.#bus.unauthorized ?? 0;
  }

  get refused(): string | undefined {
    return this.#bus.refused;
  }

  get publishing(): BusState {
    return this.#bus.publishing;
  }

  publish(event: EncodedEvent): Promise<PublishReceipt> {
    if (event.to === undefined) this.#onPublish(event);
    return this.#bus.publish(event);
  }

  async subscribe(subscription: Subscription): Promise<Subscribed> {
    const subscribed = await this.#bus.subscribe(subscription);
    this.#subscribed.push(subscribed);
    return subscribed;
  }

  /** Takes no more deliveries. Resolves when those in progress are finished; other instances get the rest at once. */
  async stopConsuming(): Promise<void> {
    await Promise.all(this.#subscribed.splice(0).map((subscribed) => subscribed.close()));
  }

  async close(): Promise<void> {
    await this.stopConsuming();
    if (this.#owned) await this.#bus.close();
  }
}
