import type { Background, ServiceSockets } from '@warren/service-kit';
import type { UserContext } from '../context.js';
import { leaseMs, type PresenceRecord } from '../operations/record-presence.js';

/** Milliseconds for which changes are collected before they are written together. */
const collectMs = 100;
/** Milliseconds before the next attempt after a failure. */
const retryMs = 1_000;
const renewEveryMs = leaseMs / 3;

type Dependencies = Pick<UserContext, 'log'> & {
  record: PresenceRecord;
  sockets: Pick<ServiceSockets, 'onUsers' | 'connectedUsers'>;
  /** Is called with the users whose presence may have changed by what this process wrote. */
  changed(userIds: readonly string[]): void;
};

/**
 * Records which users join and leave this process, and renews the process's lease. Presence is accurate only to about a
 * second.
 */
export class PresenceRecorder implements Background {
  readonly name = 'presence';
  readonly #dependencies: Dependencies;
  /** The changes to write. True: the user joined. False: the user left. */
  #pending = new Map<string, boolean>();
  #timer: NodeJS.Timeout | undefined;
  /** All times here are of the monotonic clock, which doesn't change when the system clock is set. */
  #dueAt = Number.POSITIVE_INFINITY;
  #failed = false;
  #renewAt = 0;
  #working: Promise<void> | undefined;
  #running = false;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
    dependencies.sockets.onUsers({
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
    await this.#attempt(async () => this.#announce(await this.#dependencies.record.end()));
  }

  #note(userId: string, joined: boolean): void {
    this.#pending.set(userId, joined);
    if (this.#running && !this.#working)
      this.#schedule(Math.min(collectMs, this.#renewAt - performance.now()));
  }

  /** Keeps an earlier time if there is one, so that later changes don't delay the first one. */
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
          const untilWrite = this.#failed ? retryMs : collectMs;
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
    if (this.#dependencies.record.isOpen && this.#pending.size > 0) await this.#attempt(() => this.#write());
  }

  async #renew(): Promise<void> {
    const { record, sockets } = this.#dependencies;
    const isNew = await record.renew();
    if (isNew) for (const userId of sockets.connectedUsers()) this.#pending.set(userId, true);
    this.#announce(await record.endExpired());
  }

  async #write(): Promise<void> {
    const changes = this.#pending;
    this.#pending = new Map();
    const usersWho = (joined: boolean) =>
      [...changes].flatMap(([userId, hasJoined]) => (hasJoined === joined ? userId : []));
    try {
      await this.#dependencies.record.save({ joined: usersWho(true), left: usersWho(false) });
    } catch (error) {
      // Newer changes win. If the lease has ended, the next renewal opens a new one.
      this.#pending = new Map([...changes, ...this.#pending]);
      this.#renewAt = Math.min(this.#renewAt, performance.now() + retryMs);
      throw error;
    }
    this.#announce([...changes.keys()]);
  }

  #announce(userIds: readonly string[]): void {
    if (userIds.length > 0) this.#dependencies.changed(userIds);
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failed = true;
      this.#dependencies.log.warn({ err: error }, 'presence could not be written, trying again');
    }
  }
}
