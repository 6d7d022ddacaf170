import { isInfrastructure, mayBeInfrastructure } from '../failures.js';

/** So often may the database go away under one event that was handled alone, each time after it had been there. */
const mostStrikes = 3;
/** Events whose messages this process lost meanwhile stay here until newer ones push them out. */
const mostKept = 1_000;

/**
 * Tells an outage from an event that causes what looks like one: a terminated backend, a query that exceeds a limit,
 * or a server that crashes each time.
 *
 * The probe decides. Where it fails, the database is away, and the events are innocent for now; but they are
 * remembered, and handled alone when the database is back. One under which the database goes away time and again,
 * though it was there just before, is to blame.
 */
export class Blame {
  readonly #probe: () => Promise<void>;
  readonly #strikes = new Map<string, { count: number; error: unknown }>();

  constructor(probe: () => Promise<void>) {
    this.#probe = probe;
  }

  /**
   * What a failure says. `outage`: the database is away, or it could not even begin (`begun` is false). `unclear`: it is
   * there, but the failure may have struck by chance, and the work should run again. `own`: the work's own failure.
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

  /** The database went away under these. One that was handled alone gets a strike. */
  note(keys: readonly string[], error: unknown): void {
    for (const key of keys) {
      const { count } = this.#strikes.get(key) ?? { count: 0 };
      this.#strikes.delete(key);
      this.#strikes.set(key, { count: keys.length === 1 ? count + 1 : count, error });
      const [oldest] = this.#strikes.keys();
      if (this.#strikes.size > mostKept && oldest !== undefined) this.#strikes.delete(oldest);
    }
  }

  /** Whether the database went away under one of these, so that they must be handled one by one. */
  isOnAny(keys: readonly string[]): boolean {
    return keys.some((key) => this.#strikes.has(key));
  }

  strikesOf(key: string): number {
    return this.#strikes.get(key)?.count ?? 0;
  }

  /** The last failure of an event that is to blame. */
  verdictOn(key: string): { error: unknown } | undefined {
    const strikes = this.#strikes.get(key);
    return strikes && strikes.count >= mostStrikes ? strikes : undefined;
  }

  /** It was decided about these. */
  clear(keys: Iterable<string>): void {
    for (const key of keys) this.#strikes.delete(key);
  }
}
