/** A message to one browser. */
export interface OutgoingPush {
  subscription: { endpoint: string; p256dh: string; auth: string };
  payload: string;
  /** The same for all tries. A push service replaces a waiting message with the same topic (RFC 8030, 5.4). */
  topic: string;
  ttlSeconds: number;
}

/** Sends messages to push services. */
export interface Pusher {
  /** The key of this application, which browsers subscribe with. */
  readonly publicKey: string;
  /** Why this service sends nothing to an endpoint, without looking up its name; `undefined` if it does. */
  refusal(endpoint: string): string | undefined;
  /**
   * Resolves when the push service has accepted the message.
   *
   * @throws SubscriptionGone if the push service doesn't know the subscription any more, Undeliverable if no retry can
   * help
   */
  send(push: OutgoingPush, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
