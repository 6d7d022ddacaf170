import type { KeyedMessage, Post, Routing } from './routing.js';

/** Collects what is sent within one turn, so that routing is asked once and one message on the wire carries many. */
export class Sending {
  readonly #routing: Routing;
  readonly #post: Post;
  #waiting: KeyedMessage[] = [];

  constructor(routing: Routing, post: Post) {
    this.#routing = routing;
    this.#post = post;
  }

  send(key: string, message: unknown): void {
    if (this.#waiting.length === 0) queueMicrotask(() => this.#flush());
    this.#waiting.push({ key, message });
  }

  #flush(): void {
    const messages = this.#waiting;
    this.#waiting = [];
    this.#routing.route(messages, this.#post);
  }
}
