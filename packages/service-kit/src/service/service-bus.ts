import type {
  BusState,
  EncodedEvent,
  EventBus,
  PublishReceipt,
  Subscribed,
  Subscription,
} from '@warren/event-bus';

/** One service's view of a bus: while the service stops, its consuming ends before its publishing. */
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

  /** Takes nothing more; resolves when what was in hand is done. The rest goes to other instances at once. */
  async stopConsuming(): Promise<void> {
    await Promise.all(this.#subscribed.splice(0).map((subscribed) => subscribed.close()));
  }

  async close(): Promise<void> {
    await this.stopConsuming();
    if (this.#owned) await this.#bus.close();
  }
}
