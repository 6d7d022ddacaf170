import { randomUUID } from 'node:crypto';
import type { Background, ServiceSockets } from '@warren/service-kit';
import type { Logger } from 'pino';
import type { PrismaClient } from '../store/database.js';
import { endLeases, leaseSeconds, openLease, renewLease, saveConnections } from '../store/presence.js';

export const presenceTopic = 'presence';

/** So long changes gather before they are written together, in milliseconds. */
const gatherMs = 100;
/** After a failure. */
const retryMs = 1_000;
const renewEveryMs = (leaseSeconds * 1_000) / 3;

export interface ConnectionsParts {
  client: PrismaClient;
  sockets: ServiceSockets;
  /** Whose presence may have changed, by what this process wrote. */
  changed(userIds: readonly string[]): void;
  log: Logger;
}

/**
 * Writes down who is connected to this process, under a lease: when the process is killed, its people go with the
 * lease. Any process ends the leases that have run out. Nothing of it is exact to the second.
 */
export class Connections implements Background {
  readonly name = 'presence';
  readonly #parts: ConnectionsParts;
  /** A lapsed lease is never taken up again: others may be ending it just now. */
  #incarnation: string | undefined;
  /** True: came. False: left. */
  #pending = new Map<string, boolean>();
  #timer: NodeJS.Timeout | undefined;
  /** By the clock that nobody sets, as all times here. */
  #dueAt = Number.POSITIVE_INFINITY;
  #failed = false;
  #renewAt = 0;
  #working: Promise<void> | undefined;
  #running = false;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    parts.sockets.onUsers({
      joined: (userId) => this.#note(userId, true),
      left: (userId) => this.#note(userId, false),
    });
  }

  start(): void {
    this.#running = true;
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    await this.#working;
    await this.#attempt(async () => {
      if (this.#incarnation) this.#tell(await endLeases(this.#parts.client, this.#incarnation));
    });
  }

  #note(userId: string, here: boolean): void {
    this.#pending.set(userId, here);
    if (this.#running && !this.#working)
      this.#schedule(Math.min(gatherMs, this.#renewAt - performance.now()));
  }

  /** What is due sooner stays so: one change after the other doesn't put off the first. */
  #schedule(inMs: number): void {
    const dueAt = performance.now() + inMs;
    if (this.#dueAt <= dueAt) return;
    this.#dueAt = dueAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#dueAt = Number.POSITIVE_INFINITY;
        this.#working = this.#work().finally(() => {
          this.#working = undefined;
          if (!this.#running) return;
          const untilRenewal = Math.max(0, this.#renewAt - performance.now());
          const untilWrite = this.#failed ? retryMs : gatherMs;
          this.#schedule(this.#pending.size > 0 ? Math.min(untilWrite, untilRenewal) : untilRenewal);
        });
      },
      Math.max(0, inMs),
    );
  }

  async #work(): Promise<void> {
    this.#failed = false;
    if (performance.now() >= this.#renewAt) {
      this.#renewAt = performance.now() + renewEveryMs;
      await this.#attempt(() => this.#renew());
    }
    if (this.#incarnation && this.#pending.size > 0) await this.#attempt(() => this.#write());
  }

  async #renew(): Promise<void> {
    const { client, sockets } = this.#parts;
    if (!this.#incarnation || !(await renewLease(client, this.#incarnation))) {
      const incarnation = randomUUID();
      await openLease(client, incarnation);
      this.#incarnation = incarnation;
      for (const userId of sockets.connectedUsers()) this.#pending.set(userId, true);
    }
    this.#tell(await endLeases(client));
  }

  async #write(): Promise<void> {
    const { client } = this.#parts;
    const changes = this.#pending;
    this.#pending = new Map();
    const those = (here: boolean) => [...changes].filter(([, is]) => is === here).map(([userId]) => userId);
    try {
      await saveConnections(client, this.#incarnation as string, those(true), those(false));
    } catch (error) {
      // What is newer stands. A lease that is gone is noticed by the next renewal.
      this.#pending = new Map([...changes, ...this.#pending]);
      this.#renewAt = Math.min(this.#renewAt, performance.now() + 1_000);
      throw error;
    }
    this.#tell([...changes.keys()]);
  }

  #tell(userIds: readonly string[]): void {
    if (userIds.length === 0) return;
    this.#parts.changed(userIds);
    this.#parts.sockets.hint(presenceTopic, userIds);
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed = true;
      this.#parts.log.warn({ err: error }, 'presence could not be written; trying again');
    }
  }
}
