import type {
  BusState,
  EncodedEvent,
  EventBus,
  PublishReceipt,
  Subscribed,
  Subscription,
} from '@warren/event-bus';

/** A bus whose confirms the test gives by hand, or by `answer`. */
export class ScriptedBus implements EventBus {
  publishing: BusState = 'up';
  consuming: BusState = 'up';
  readonly published: EncodedEvent[] = [];
  subscription: Subscription | undefined;
  answer: (event: EncodedEvent) => Promise<PublishReceipt>;

  constructor(answer: (event: EncodedEvent) => Promise<PublishReceipt> = async () => 'confirmed') {
    this.answer = answer;
  }

  get state(): BusState {
    return this.publishing === 'up' ? this.consuming : 'degraded';
  }

  publish(event: EncodedEvent): Promise<PublishReceipt> {
    this.published.push(event);
    return this.answer(event);
  }

  async subscribe(subscription: Subscription): Promise<Subscribed> {
    this.subscription = subscription;
    return { close: async () => {} };
  }

  async listen(): Promise<Subscribed> {
    return { close: async () => {} };
  }

  async close(): Promise<void> {}

  ids(): string[] {
    return this.published.map((event) => event.id);
  }
}
