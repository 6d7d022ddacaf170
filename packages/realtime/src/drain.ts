import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connections } from './server/connections.js';
import type { SocketSet } from './server/socket-set.js';
import type { UpgradeGate } from './server/upgrade-gate.js';

/** The part of the window that slots are spread over; what is left is for clients that come late. */
const slotShare = 0.6;

/** Milliseconds that commands may still take when the window is over, and that peers have to read the rest. */
const commandGrace = 2_000;
const closeGrace = 1_000;

export interface DrainParts {
  gate: UpgradeGate;
  sockets: SocketSet;
  connections: Connections;
}

/**
 * Empties this node without losing anything: new connections are refused, clients are asked to leave one after
 * the other and are served until they do, and whoever stays is closed in the way that makes plain clients
 * reconnect by themselves.
 */
export class Drain {
  readonly #parts: DrainParts;
  #slotsEnd: number | undefined;
  #done: Promise<void> | undefined;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** A second call waits for the first one. */
  run(withinMs: number): Promise<void> {
    this.#done ??= this.#run(withinMs);
    return this.#done;
  }

  /** A slot for a client whose handshake was under way when the drain began; undefined if none is running. */
  slot(): number | undefined {
    if (this.#slotsEnd === undefined) return undefined;
    return Math.round(Math.random() * Math.max(0, this.#slotsEnd - Date.now()));
  }

  async #run(withinMs: number): Promise<void> {
    const { gate, sockets, connections } = this.#parts;
    gate.shut();
    this.#handOutSlots(withinMs * slotShare);
    await atMost(withinMs, sockets.whenEmpty());
    await atMost(commandGrace, Promise.all([...sockets].map((socket) => socket.running.whenIdle())));
    // An answer leaves its command some steps after that has ended.
    await nextTurn();
    await connections.closeAll(closeGrace);
  }

  #handOutSlots(spreadMs: number): void {
    this.#slotsEnd = Date.now() + spreadMs;
    const sockets = [...this.#parts.sockets];
    sockets.forEach((socket, i) => {
      socket.emit('session.draining', { reconnectAfterMs: Math.round((i / sockets.length) * spreadMs) });
    });
  }
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
