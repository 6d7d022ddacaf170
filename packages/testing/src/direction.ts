import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** When this many bytes wait in one direction, the proxy stops reading, so that TCP slows the sender down. */
const maxHeldBytes = 1024 * 1024;

/** One direction of all connections of a proxy: it can be stalled or delayed. */
export class Direction {
  delayMs = 0;
  #stalled: PromiseWithResolvers | undefined;

  stall(): void {
    this.#stalled ??= promiseWithResolvers();
  }

  /** Ends the stall and the delay. */
  clear(): void {
    this.delayMs = 0;
    this.#stalled?.resolve();
    this.#stalled = undefined;
  }

  /** Resolves when a chunk that is due at `due` (epoch milliseconds) may be passed on. */
  async passage(due: number): Promise<void> {
    const early = due - Date.now();
    if (early > 0) await pause(early);
    while (this.#stalled) await this.#stalled.promise;
  }
}

/** Passes on what `from` sends, in order, once the direction lets it pass. */
export function forward(from: Socket, to: Socket, direction: Direction): void {
  let tail = Promise.resolve();
  let heldBytes = 0;

  const enqueue = (step: () => void) => {
    const due = Date.now() + direction.delayMs;
    tail = tail.then(() => direction.passage(due)).then(step);
  };

  from.on('data', (chunk: Buffer) => {
    heldBytes += chunk.length;
    if (heldBytes > maxHeldBytes) from.pause();
    enqueue(() => {
      if (to.writable) to.write(chunk);
      heldBytes -= chunk.length;
      if (heldBytes <= maxHeldBytes) from.resume();
    });
  });
  from.once('end', () => enqueue(() => to.end()));
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
}

/** `Promise.withResolvers` needs Node 22. */
function promiseWithResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
