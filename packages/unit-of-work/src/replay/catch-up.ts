import { serviceOf } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { EventHandler } from '../api.js';
import { jittered } from '../jitter.js';
import type { Limits } from '../limits.js';
import { Stopping } from '../stopping.js';
import { envelope, rowOf } from '../transaction/language.js';

export interface CatchUpParts {
  service: string;
  /** What this service keeps copies of. */
  sources: ReadonlyMap<string, readonly string[]>;
  pool: Pool;
  bus: EventBus;
  /** When a replayed event last came, in epoch milliseconds. */
  lastReplayed(): number;
  limits: Pick<Limits, 'catchUpPollMs' | 'catchUpPatienceMs'>;
  log: Logger;
}

/** Between two looks while all copies are complete. */
const idleMs = 30_000;
/** After a request that found no producer. */
const repeatMs = 10_000;

interface CopyRow {
  source: string;
  types: string[];
  replayId: string;
}

/** The producers of which these handlers keep copies, and by which types. */
export function copiedSources<Db>(
  service: string,
  handlers: readonly EventHandler<Db>[],
): Map<string, string[]> {
  const sources = new Map<string, string[]>();
  for (const { kind, type } of handlers) {
    const source = serviceOf(type);
    if (kind !== 'project' || source === service) continue;
    sources.set(source, [...new Set([...(sources.get(source) ?? []), type])].sort());
  }
  return sources;
}

/**
 * Asks for replays until each copy was sent whole once: on a first deployment, on a lost or restored database, when a
 * source was restored, and when a build begins to copy more. Live events meanwhile do no harm, since copies go by version.
 */
export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #stopping = new Stopping();
  #running: Promise<void> | undefined;
  #missing = 0;
  #waking = new AbortController();

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    this.#missing = parts.sources.size;
  }

  /** Copies that are not complete, as far as this process knows. */
  get missing(): number {
    return this.#missing;
  }

  start(): void {
    if (this.#parts.sources.size > 0) this.#running ??= this.#run();
  }

  /** A copy may have become incomplete: looks at once. */
  wake(): void {
    this.#waking.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.begin();
    await this.#running;
  }

  async #run(): Promise<void> {
    let registered = false;
    while (!this.#stopping.now) {
      try {
        if (!registered) await this.#register();
        registered = true;
        this.#missing = await this.#count();
        if (this.#missing > 0) await this.#ask();
      } catch (error) {
        if (!this.#stopping.now)
          this.#parts.log.warn({ err: error }, 'could not ask for what the copies lack');
      }
      await this.#pause();
    }
  }

  /** While all copies are complete, `wake` ends it; another instance that woke may have died since. */
  async #pause(): Promise<void> {
    const { catchUpPollMs } = this.#parts.limits;
    if (this.#missing > 0) return this.#stopping.sleep(catchUpPollMs);
    await this.#stopping.sleep(jittered(idleMs), this.#waking.signal);
    if (this.#waking.signal.aborted) this.#waking = new AbortController();
  }

  /** An older build beside this one copies less and changes nothing. */
  async #register(): Promise<void> {
    for (const [source, types] of this.#parts.sources) {
      await this.#parts.pool.query(
        `INSERT INTO messaging.copy AS c (source, types) VALUES ($1, $2)
        ON CONFLICT (source) DO UPDATE
        SET types = excluded.types, replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL
        WHERE NOT c.types @> excluded.types`,
        [source, types],
      );
    }
  }

  async #count(): Promise<number> {
    const { rows } = await this.#parts.pool.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM messaging.copy WHERE source = ANY($1) AND completed_at IS NULL',
      [[...this.#parts.sources.keys()]],
    );
    return rows[0]?.count ?? 0;
  }

  /** One instance asks, and again only after a while in which nothing came. */
  async #ask(): Promise<void> {
    const { pool, sources, bus, limits } = this.#parts;
    // Before the queue is bound, the answer would find no way, and live events would be missed beside it.
    if (bus.state !== 'up') return;
    if (Date.now() - this.#parts.lastReplayed() < limits.catchUpPatienceMs) return;
    const { rows } = await pool.query<CopyRow>(
      `UPDATE messaging.copy SET asked_at = now()
      WHERE source = ANY($1) AND completed_at IS NULL
        AND (asked_at IS NULL OR asked_at < now() - $2::int * interval '1 ms')
      RETURNING source, types, replay_id AS "replayId"`,
      [[...sources.keys()], limits.catchUpPatienceMs],
    );
    for (const row of rows) await this.#request(row);
  }

  async #request({ source, types, replayId }: CopyRow): Promise<void> {
    const { service, bus, pool, limits, log } = this.#parts;
    const type = `${service}.replay-requested`;
    const data = { replayId, types };
    const event = envelope(
      service,
      { type, subject: replayId, version: 1, data },
      { correlationId: replayId },
    );
    const published = bus.publish({ ...rowOf(event), to: source }).catch(() => 'unconfirmed' as const);
    const receipt = await this.#stopping.unless(published);
    log.info({ source, replayId, receipt }, 'asked for what a copy lacks');
    if (receipt === 'confirmed') return;
    await pool.query(
      `UPDATE messaging.copy SET asked_at = now() - ($2::int - $3::int) * interval '1 ms'
      WHERE source = $1 AND completed_at IS NULL`,
      [source, limits.catchUpPatienceMs, Math.min(limits.catchUpPatienceMs, repeatMs)],
    );
  }
}
