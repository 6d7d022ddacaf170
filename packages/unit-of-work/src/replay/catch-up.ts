import { serviceOf } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { EventHandler } from '../api.js';
import { jittered } from '../jitter.js';
import type { Limits } from '../limits.js';
import { Stopping } from '../stopping.js';
import { envelope, rowOf } from '../transaction/language.js';
import { createReplayRequests, type ReplayRequest, type ReplayRequests } from './requests.js';

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

/** Between two looks while nothing is missing. */
const idleMs = 30_000;
/** After a request that found no producer. */
const repeatMs = 10_000;

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
 * Asks producers for what this service lacks, until each has sent it.
 *
 * - Copies: on a first deployment, after the database was lost or restored, after a producer's was restored, and when a
 *   build begins to copy more. Live events meanwhile do no harm, since copies go by version.
 * - Events: after the service's queue or its bindings were lost. The inbox discards those that were handled.
 */
export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #copies: ReplayRequests;
  readonly #recoveries: ReplayRequests;
  readonly #stopping = new Stopping();
  #running: Promise<void> | undefined;
  #missing = 0;
  #recovering = 0;
  #waking = new AbortController();

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    this.#copies = createReplayRequests(parts.pool, 'copy', parts.sources.keys());
    this.#recoveries = createReplayRequests(parts.pool, 'recovery');
    this.#missing = parts.sources.size;
  }

  /** Copies that are not complete, as far as this process knows. */
  get missing(): number {
    return this.#missing;
  }

  /** Producers that still owe what a lost queue may have held, as far as this process knows. */
  get recovering(): number {
    return this.#recovering;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something may be missing now: looks at once. */
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
        this.#missing = await this.#copies.open();
        this.#recovering = await this.#recoveries.open();
        await this.#ask();
      } catch (error) {
        if (!this.#stopping.now) this.#parts.log.warn({ err: error }, 'could not ask for what is missing');
      }
      await this.#pause();
    }
  }

  /** `wake` ends a long pause. Without it this process looks all the same: the instance that was woken may have died. */
  async #pause(): Promise<void> {
    const { catchUpPollMs } = this.#parts.limits;
    if (this.#missing + this.#recovering > 0) return this.#stopping.sleep(catchUpPollMs);
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

  /** One instance asks for all, and asks again only after `catchUpPatienceMs`. */
  async #ask(): Promise<void> {
    const { bus, lastReplayed, limits } = this.#parts;
    const patienceMs = limits.catchUpPatienceMs;
    // Before the queue is bound, the answer would find no way, and live events would be missed beside it.
    if (bus.state !== 'up') return;
    if (this.#recovering > 0) await this.#request(this.#recoveries, await this.#recoveries.due(patienceMs));
    // While parts of a replay of copies arrive, it is under way and not asked for again.
    if (this.#missing === 0 || Date.now() - lastReplayed() < patienceMs) return;
    await this.#request(this.#copies, await this.#copies.due(patienceMs));
  }

  async #request(requests: ReplayRequests, due: readonly ReplayRequest[]): Promise<void> {
    const { service, bus, limits, log } = this.#parts;
    const type = `${service}.replay-requested`;
    for (const { source, types, replayId, lostSince } of due) {
      const data = { replayId, types, ...(lostSince && { lostSince: lostSince.toISOString() }) };
      const parts = { type, subject: replayId, version: 1, data };
      const event = rowOf(envelope(service, parts, { correlationId: replayId }));
      const published = bus.publish({ ...event, to: source }).catch(() => 'unconfirmed' as const);
      const receipt = await this.#stopping.unless(published);
      log.info({ source, replayId, lostSince, receipt }, 'asked for what is missing');
      if (receipt !== 'confirmed')
        await requests.unheard(source, { patienceMs: limits.catchUpPatienceMs, afterMs: repeatMs });
    }
  }
}
