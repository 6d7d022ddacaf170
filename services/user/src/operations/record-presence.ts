import { randomUUID } from 'node:crypto';
import type { UserContext } from '../context.js';
import { endLeases, leaseSeconds, openLease, renewLease, saveConnections } from '../store/presence.js';

/** Milliseconds after which the lease of a process runs out. */
export const leaseMs = leaseSeconds * 1_000;

/**
 * Records who is connected to this process, under a lease. If the process is killed, its connections end with the
 * lease, and any other process deletes them.
 */
export class PresenceRecord {
  readonly #client: UserContext['client'];
  /** A lease that ran out is never renewed, since another process may be ending it. */
  #incarnation: string | undefined;

  constructor({ client }: Pick<UserContext, 'client'>) {
    this.#client = client;
  }

  /** Whether this process has a lease, so that `save` is possible. */
  get isOpen(): boolean {
    return this.#incarnation !== undefined;
  }

  /** Renews the lease. Resolves to true if it opened a new lease instead, which has no connections yet. */
  async renew(): Promise<boolean> {
    if (this.#incarnation !== undefined && (await renewLease(this.#client, this.#incarnation))) return false;
    const incarnation = randomUUID();
    await openLease(this.#client, incarnation);
    this.#incarnation = incarnation;
    return true;
  }

  /** Saves which users joined and left this process. Rejects if its lease has ended. */
  async save(changes: { joined: readonly string[]; left: readonly string[] }): Promise<void> {
    if (this.#incarnation === undefined) throw new Error('this process has no presence lease');
    await saveConnections(this.#client, this.#incarnation, changes);
  }

  /** Ends the leases of dead processes. Resolves to the users whose presence this may change. */
  endExpired(): Promise<string[]> {
    return endLeases(this.#client);
  }

  /** Ends the lease of this process too. Resolves to the users whose presence this may change. */
  async end(): Promise<string[]> {
    return this.#incarnation === undefined ? [] : await endLeases(this.#client, this.#incarnation);
  }
}
