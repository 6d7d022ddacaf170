import type { RealtimeNode, UserListener } from '@warren/realtime';
import type { ServiceSockets } from '../definition.js';

type HintListener = (keys: readonly string[]) => void;

/**
 * The sockets that the doors get. The doors are made before the realtime node exists. Until `attach`, nobody is connected,
 * hints are dropped, and listeners are kept.
 */
export class DeferredSockets implements ServiceSockets {
  readonly users: UserListener = {
    joined: (userId) => this.#each((listener) => listener.joined(userId)),
    left: (userId) => this.#each((listener) => listener.left(userId)),
  };
  readonly #userListeners: UserListener[] = [];
  readonly #hintListeners: { topic: string; listener: HintListener }[] = [];
  #node: RealtimeNode | undefined;

  attach(node: RealtimeNode): void {
    this.#node = node;
    for (const { topic, listener } of this.#hintListeners) node.onHint(topic, listener);
  }

  hint(topic: string, keys: readonly string[]): void {
    this.#node?.hint(topic, keys);
  }

  onHint(topic: string, listener: HintListener): void {
    this.#hintListeners.push({ topic, listener });
    this.#node?.onHint(topic, listener);
  }

  connectedUsers(): string[] {
    return this.#node?.connectedUsers() ?? [];
  }

  onUsers(listener: UserListener): void {
    this.#userListeners.push(listener);
  }

  #each(tell: (listener: UserListener) => void): void {
    for (const listener of this.#userListeners) tell(listener);
  }
}
