/** A message to one browser. */
export interface OutgoingPush {
  subscription: { endpoint: string; p256dh: string; auth: string };
  payload: string;
  /** The same each time it is tried: a push service replaces what still waits under it (RFC 8030, 5.4). */
  topic: string;
  ttlSeconds: number;
}

/** Brings messages to push services. */
export interface Pusher {
  /** The application server key that browsers subscribe with. */
  readonly publicKey: string;
  /** What is wrong with an endpoint, before any name is looked up; `undefined` where nothing is. */
  refusal(endpoint: string): string | undefined;
  /**
   * Resolves when the push service has it.
   *
   * @throws SubscriptionGone if it doesn't know the subscription any more, Undeliverable where no repeat helps
   */
  send(push: OutgoingPush, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
