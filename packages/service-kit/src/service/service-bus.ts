import type {
  Delivery,
  EncodedEvent,
  EventBus,
  PublishReceipt,
  Subscription,
  Verdict,
} from '@warren/event-bus';

/**
 * One service's view of a bus: while the service stops, its consuming ends before its publishing.
 *
 * What arrives after that is refused as a failure of the service's own infrastructure: no attempt is counted, and
 * the bus keeps it for another instance or the next start.
 */
export class ServiceBus implements EventBus {
  readonly #bus: EventBus;
  readonly #owned: boolean;
  readonly #handling = new Set<Promise<unknown>>();
  #stopped = false;

  /** `owned`: closing this closes the bus. */
  constructor(bus: EventBus, owned: boolean) {
    this.#bus = bus;
    this.#owned = owned;
  }

  get state(): 'up' | 'degraded' {
    return this.#bus.state;
  }

  publish(event: EncodedEvent): Promise<PublishReceipt> {
    return this.#bus.publish(event);
  }

  subscribe(subscription: Subscription): Promise<void> {
    return this.#bus.subscribe({
      ...subscription,
      handle: (batch) => this.#handle(subscription, batch),
      probe: async () => {
        this.#refuseWhenStopped();
        await subscription.probe();
      },
    });
  }

  /** Handles nothing more; resolves when what was in hand is done. Its transactions are bounded, so this is too. */
  async stopConsuming(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#handling);
  }

  async close(): Promise<void> {
    await this.stopConsuming();
    if (this.#owned) await this.#bus.close();
  }

  async #handle(subscription: Subscription, batch: readonly Delivery[]): Promise<readonly Verdict[]> {
    this.#refuseWhenStopped();
    const handled = subscription.handle(batch);
    this.#handling.add(handled);
    try {
      return await handled;
    } finally {
      this.#handling.delete(handled);
    }
  }

  #refuseWhenStopped(): void {
    if (this.#stopped) throw new Error('the service is stopping');
  }
}
