import type { NodeBus } from '@warren/node-bus';
import type { FeedEntry } from '@warren/unit-of-work';
import type { Logger } from 'pino';

/** The most keys of one hint. */
const maxKeys = 1_000;

export type HintListener = (keys: readonly string[]) => void;

/**
 * Exchanges feed entries and hints with the other nodes of the service. Both only speed things up: the truth is in the
 * database.
 */
export class NodePushes {
  readonly #nodes: NodeBus;
  readonly #service: string;
  readonly #log: Logger;

  constructor(nodes: NodeBus, service: string, log: Logger) {
    this.#nodes = nodes;
    this.#service = service;
    this.#log = log;
  }

  /** Calls `onEntry` with the user's entries that other nodes push. Resolves once they push them here. */
  follow(userId: string, onEntry: (entry: FeedEntry) => void): Promise<void> {
    return this.#nodes.follow(this.#keyOf(userId), (key, message) => {
      if (isEntry(message) && this.#keyOf(message.userId) === key) onEntry(message);
      else this.#log.warn({ key }, 'another node pushed something that is no entry of this feed');
    });
  }

  unfollow(userId: string): void {
    this.#nodes.unfollow(this.#keyOf(userId));
  }

  push(entries: readonly FeedEntry[]): void {
    for (const entry of entries) this.#nodes.send(this.#keyOf(entry.userId), entry);
  }

  /** Says that something about these keys may have changed. Receivers read the current state from the database. */
  hint(topic: string, keys: readonly string[]): void {
    for (let from = 0; from < keys.length; from += maxKeys)
      this.#nodes.announce(this.#topicOf(topic), keys.slice(from, from + maxKeys));
  }

  onHint(topic: string, listener: HintListener): void {
    this.#nodes.hear(this.#topicOf(topic), (message) => {
      if (Array.isArray(message) && message.every((key) => typeof key === 'string')) listener(message);
      else this.#log.warn({ topic }, 'another node sent a hint that is no list of keys');
    });
  }

  #keyOf(userId: string): string {
    return `${this.#service}/user:${userId}`;
  }

  #topicOf(topic: string): string {
    return `${this.#service}/${topic}`;
  }
}

function isEntry(value: unknown): value is FeedEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { userId, seq, cursor, type, id, time } = value as Record<string, unknown>;
  return (
    [userId, cursor, type, id, time].every((field) => typeof field === 'string') && Number.isSafeInteger(seq)
  );
}
