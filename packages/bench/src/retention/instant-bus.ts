import type { RawClient, UnitOfWorkOptions } from '@warren/unit-of-work';

type EventBus = UnitOfWorkOptions<RawClient>['bus'];
type Event = Parameters<EventBus['publish']>[0];
type Subscription = Parameters<EventBus['subscribe']>[0];

/** A bus that confirms at once, so that only the database is measured. It delivers in batches and never retries. */
export class InstantBus implements EventBus {
  readonly state = 'up';
  readonly publishing = 'up';
  readonly #published: (due: number) => void;
  #subscription: Subscription | undefined;
  #waiting: Event[] = [];
  #delivering: Promise<void> | undefined;

  /** `published` is called with the time at which each event was due. */
  constructor(published: (due: number) => void) {
    this.#published = published;
  }

  async publish(event: Event): Promise<'confirmed'> {
    this.#published((JSON.parse(event.body) as { data: { due: number } }).data.due);
    this.#waiting.push(event);
    this.#delivering ??= this.#deliver();
    return 'confirmed';
  }

  async subscribe(subscription: Subscription) {
    this.#subscription = subscription;
    return { close: async () => undefined };
  }

  async listen() {
    return { close: async () => undefined };
  }

  async close(): Promise<void> {
    await this.#delivering;
  }

  async #deliver(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
        .splice(0, 50)
        .map((event) => ({ ...event, attempt: 1, redelivered: false }));
      const verdicts = await this.#subscription?.handle(batch);
      if (!verdicts?.every(({ kind }) => kind === 'done')) throw new Error('an event was not handled');
    }
    this.#delivering = undefined;
  }
}
