import { setImmediate as nextTurn } from 'node:timers/promises';
import { withDeadline } from '@warren/timing';
import type { Connections } from '../server/connections.js';
import type { UpgradeGate } from '../server/upgrade-gate.js';
import type { SocketSet } from './socket-set.js';

/** The share of the time that the slots are spread over. The rest is for clients that leave late. */
const slotShare = 0.6;

/** Milliseconds that running commands may still take at the end. */
const commandGraceMs = 2_000;
/** Milliseconds that peers then have to read what was sent to them. */
const closeGraceMs = 1_000;

export interface DrainOptions {
  gate: UpgradeGate;
  sockets: SocketSet;
  connections: Connections;
}

/**
 * Empties this node without losing anything. It refuses new connections, tells each client after how long to reconnect
 * (its slot), serves clients until they leave, and closes the remaining connections so that Socket.IO clients reconnect
 * by themselves.
 */
export class Drain {
  readonly #options: DrainOptions;
  #slotsEnd: number | undefined;
  #done: Promise<void> | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** A second call waits for the first one. */
  run(withinMs: number): Promise<void> {
    this.#done ??= this.#run(withinMs);
    return this.#done;
  }

  /** A slot for a socket that joins during the drain, in milliseconds; undefined if there is no drain. */
  slot(): number | undefined {
    if (this.#slotsEnd === undefined) return undefined;
    return Math.round(Math.random() * Math.max(0, this.#slotsEnd - Date.now()));
  }

  async #run(withinMs: number): Promise<void> {
    const { gate, sockets, connections } = this.#options;
    gate.shut();
    this.#handOutSlots(withinMs * slotShare);
    await withDeadline(sockets.whenEmpty(), withinMs, 'the drain took too long').catch(() => undefined);
    const idle = Promise.all([...sockets].map((socket) => socket.whenIdle()));
    await withDeadline(idle, commandGraceMs, 'finishing commands took too long').catch(() => undefined);
    // The answer of a command is written shortly after the command has finished.
    await nextTurn();
    await connections.closeAll(closeGraceMs);
  }

  #handOutSlots(spreadMs: number): void {
    this.#slotsEnd = Date.now() + spreadMs;
    const sockets = [...this.#options.sockets];
    sockets.forEach((socket, i) => {
      socket.emit('session.draining', { reconnectAfterMs: Math.round((i / sockets.length) * spreadMs) });
    });
  }
}
