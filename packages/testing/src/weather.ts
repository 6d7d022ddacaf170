import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Bytes one direction holds back before it stops reading; TCP then slows the sender down. */
const heldBytes = 1024 * 1024;

/** How the network behaves at this moment, for all connections of a proxy. */
export class Weather {
  delayMs = 0;
  #gate: { opened: Promise<void>; open: () => void } | undefined;

  stall(): void {
    this.#gate ??= gate();
  }

  clear(): void {
    this.delayMs = 0;
    this.#gate?.open();
    this.#gate = undefined;
  }

  /** Resolves when a chunk that came with `due` (epoch milliseconds) may go on. */
  async passage(due: number): Promise<void> {
    const early = due - Date.now();
    if (early > 0) await pause(early);
    while (this.#gate) await this.#gate.opened;
  }
}

/** Passes on what `from` sends, in order, as the weather allows. */
export function forward(from: Socket, to: Socket, weather: Weather): void {
  let tail = Promise.resolve();
  let held = 0;

  const enqueue = (step: () => void) => {
    const due = Date.now() + weather.delayMs;
    tail = tail.then(() => weather.passage(due)).then(step);
  };

  from.on('data', (chunk: Buffer) => {
    held += chunk.length;
    if (held > heldBytes) from.pause();
    enqueue(() => {
      if (to.writable) to.write(chunk);
      held -= chunk.length;
      if (held <= heldBytes) from.resume();
    });
  });
  from.once('end', () => enqueue(() => to.end()));
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
