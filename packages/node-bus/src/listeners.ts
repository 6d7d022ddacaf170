import type { Logger } from 'pino';
import type { HeardEvent, KeyListener } from './port.js';
import type { WireMessage } from './wire.js';

/** Who wants what on this node. A listener that throws affects no other. */
export class Listeners {
  readonly #service: string;
  readonly #log: Logger | undefined;
  readonly #byKey = new Map<string, KeyListener>();
  readonly #byTopic = new Map<string, Array<(message: unknown) => void>>();
  readonly #events: Array<(event: HeardEvent) => void> = [];
  readonly #connected: Array<() => void> = [];
  useful = 0;
  wasted = 0;

  constructor(service: string, log: Logger | undefined) {
    this.#service = service;
    this.#log = log;
  }

  follow(key: string, listener: KeyListener): void {
    requireOwn(this.#service, key);
    this.#byKey.set(key, listener);
  }

  unfollow(key: string): void {
    this.#byKey.delete(key);
  }

  hear(topic: string, listener: (message: unknown) => void): void {
    requireOwn(this.#service, topic);
    this.#byTopic.set(topic, [...(this.#byTopic.get(topic) ?? []), listener]);
  }

  onEvent(listener: (event: HeardEvent) => void): void {
    this.#events.push(listener);
  }

  onConnected(listener: () => void): void {
    this.#connected.push(listener);
  }

  deliver(wire: WireMessage): void {
    switch (wire.kind) {
      case 'sent':
        for (const [key, message] of wire.messages) this.#deliverSent(key, message);
        break;
      case 'announced':
        for (const listener of this.#byTopic.get(wire.topic) ?? []) this.#call(() => listener(wire.message));
        break;
      case 'alive':
        break;
    }
  }

  deliverEvent(event: HeardEvent): void {
    for (const listener of this.#events) this.#call(() => listener(event));
  }

  connected(): void {
    for (const listener of this.#connected) this.#call(listener);
  }

  #deliverSent(key: string, message: unknown): void {
    const listener = this.#byKey.get(key);
    if (!listener) {
      this.wasted += 1;
      return;
    }
    this.useful += 1;
    this.#call(() => listener(key, message));
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#log?.error({ err: error }, 'a listener for messages of other nodes failed');
    }
  }
}

/** Whether a key or a topic is one of this service. */
export function isOwn(service: string, address: string): boolean {
  return address.startsWith(`${service}/`);
}

function requireOwn(service: string, address: string): void {
  if (!isOwn(service, address)) throw new RangeError(`"${address}" does not begin with "${service}/"`);
}
