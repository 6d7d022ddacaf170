import { isInfrastructure, mayBeInfrastructure } from '../failures.js';

/** How many times the database may become unreachable while an event is handled alone, until that event is to blame. */
const maxStrikes = 3;
/** Events whose messages this process has lost stay here until newer ones push them out. */
const maxKept = 1_000;

/**
 * Tells an outage of the database from an event that causes what looks like one: a terminated backend, a query that
 * exceeds a limit, or a server that crashes each time.
 *
 * A probe of the database decides. If it fails, there is an outage and the events are innocent for now, but they get a
 * strike and are handled alone when the database is back. An event with several strikes is to blame.
 */
export class Blame {
  readonly #probe: () => Promise<void>;
  readonly #strikes = new Map<string, { count: number; error: unknown }>();

  constructor(probe: () => Promise<void>) {
    this.#probe = probe;
  }

  /**
   * Says what a failure means. `begun`: whether the transaction had begun.
   *
   * - `outage`: the database is unreachable.
   * - `unclear`: the database is reachable, but the failure may have been a coincidence; the work should run again.
   * - `own`: the work itself failed.
   */
  async judge(error: unknown, begun: boolean): Promise<'outage' | 'unclear' | 'own'> {
    const looksLikeOutage = isInfrastructure(error);
    if (!looksLikeOutage && !mayBeInfrastructure(error)) return 'own';
    if (!begun && looksLikeOutage) return 'outage';
    const isThere = await this.#probe().then(
      () => true,
      () => false,
    );
    if (!isThere) return 'outage';
    return looksLikeOutage ? 'unclear' : 'own';
  }

  /** Records that the database went away while these were handled. One that was handled alone gets a strike. */
  addOutage(keys: readonly string[], error: unknown): void {
    for (const key of keys) {
      const { count } = this.#strikes.get(key) ?? { count: 0 };
      this.#strikes.delete(key);
      this.#strikes.set(key, { count: keys.length === 1 ? count + 1 : count, error });
      const [oldest] = this.#strikes.keys();
      if (this.#strikes.size > maxKept && oldest !== undefined) this.#strikes.delete(oldest);
    }
  }

  /** Whether the database went away while one of these was handled, so that they must be handled one by one. */
  hasAny(keys: readonly string[]): boolean {
    return keys.some((key) => this.#strikes.has(key));
  }

  strikesOf(key: string): number {
    return this.#strikes.get(key)?.count ?? 0;
  }

  /** The last failure, if the event is to blame for the outages. */
  verdictOn(key: string): { error: unknown } | undefined {
    const strikes = this.#strikes.get(key);
    return strikes && strikes.count >= maxStrikes ? strikes : undefined;
  }

  /** Forgets events that were decided. */
  clear(keys: Iterable<string>): void {
    for (const key of keys) this.#strikes.delete(key);
  }
}
