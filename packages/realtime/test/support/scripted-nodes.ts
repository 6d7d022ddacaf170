import type { KeyListener, NodeBus } from '@warren/node-bus';
import type { FeedEntry } from '@warren/unit-of-work';

/** A node bus that records what is sent. A test delivers the messages of other nodes. */
export class ScriptedNodes implements NodeBus {
  readonly state = 'up';
  readonly sent: { key: string; message: unknown }[] = [];
  readonly announced: { topic: string; message: unknown }[] = [];
  readonly followed = new Map<string, KeyListener>();
  /** Holds back `follow`, as if registering took as long. */
  registered: Promise<void> = Promise.resolve();
  readonly #topics = new Map<string, (message: unknown) => void>();

  follow(key: string, listener: KeyListener): Promise<void> {
    this.followed.set(key, listener);
    return this.registered;
  }

  unfollow(key: string): void {
    this.followed.delete(key);
  }

  send(key: string, message: unknown): void {
    this.sent.push({ key, message });
  }

  hear(topic: string, listener: (message: unknown) => void): void {
    this.#topics.set(topic, listener);
  }

  announce(topic: string, message: unknown): void {
    this.announced.push({ topic, message });
  }

  /** Receives entries as if another node had pushed them. */
  deliver(service: string, entries: readonly FeedEntry[]): void {
    for (const entry of entries) this.deliverTo(`${service}/user:${entry.userId}`, entry);
  }

  deliverTo(key: string, message: unknown): void {
    this.followed.get(key)?.(key, message);
  }

  deliverAnnouncement(topic: string, message: unknown): void {
    this.#topics.get(topic)?.(message);
  }

  onEvent(): void {}
  onConnected(): void {}
  async ready(): Promise<void> {}
  async close(): Promise<void> {}
  stats() {
    return { useful: 0, wasted: 0, dropped: 0, missed: 0, unauthorized: 0 };
  }
}
