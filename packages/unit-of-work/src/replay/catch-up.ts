import { serviceOf } from '@warren/contracts';
import type { EventBus } from '@warren/event-bus';
import { jittered } from '@warren/timing';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { EventHandler } from '../api.js';
import type { Limits } from '../limits.js';
import type { Schema } from '../schema/schema.js';
import { Stopping } from '../stopping.js';
import { envelope, rowOf } from '../transaction/serializer.js';
import { createReplayRequests, type ReplayRequest, type ReplayRequests } from './requests.js';

export interface CatchUpParts {
  service: string;
  /** The producers of which this service keeps copies, with the types that the copies are made of. */
  sources: ReadonlyMap<string, readonly string[]>;
  pool: Pool;
  schema: Schema;
  bus: EventBus;
  /** When a part of a replay was last handled, in epoch milliseconds. */
  lastReplayed(): number;
  limits: Pick<Limits, 'catchUpPollMs' | 'catchUpPatienceMs'>;
  log: Logger;
}

/** The interval of checks while nothing is missing. */
const idleMs = 30_000;
/** The pause after a request that found no producer. */
const repeatMs = 10_000;

/** The producers of which these handlers keep copies, with the types that the copies are made of. */
export function copiedSources(
  service: string,
  handlers: readonly Pick<EventHandler, 'kind' | 'type'>[],
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
 * Requests what this service lacks from its producers, until each has sent it.
 *
 * - Copies are requested on a first deployment, after the database was lost or restored, after a producer's database was
 *   restored, and when a build begins to copy more. Live events may arrive meanwhile, since a copy keeps the newest version.
 * - Events are requested after the service's queue or its bindings were lost. The inbox discards those that were handled.
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
    this.#copies = createReplayRequests(parts.pool, parts.schema, 'copy', parts.sources.keys());
    this.#recoveries = createReplayRequests(parts.pool, parts.schema, 'recovery');
    this.#missing = parts.sources.size;
  }

  /** How many copies are incomplete, as far as this process knows. */
  get missing(): number {
    return this.#missing;
  }

  /** How many producers still have to send what a lost queue may have held, as far as this process knows. */
  get recovering(): number {
    return this.#recovering;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Checks at once, since something may be missing now. */
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
        await this.#sendDueRequests();
      } catch (error) {
        if (!this.#stopping.now)
          this.#parts.log.warn({ err: error }, 'could not request missing copies and events');
      }
      await this.#pause();
    }
  }

  /** `wake` ends a long pause. The pause ends without it too, since the instance that was woken may have crashed. */
  async #pause(): Promise<void> {
    const { catchUpPollMs } = this.#parts.limits;
    if (this.#missing + this.#recovering > 0) return this.#stopping.sleep(catchUpPollMs);
    await this.#stopping.sleep(jittered(idleMs), this.#waking.signal);
    if (this.#waking.signal.aborted) this.#waking = new AbortController();
  }

  /** Does nothing in an older build that copies less. */
  async #register(): Promise<void> {
    const { pool, schema, sources } = this.#parts;
    for (const [source, types] of sources) {
      await pool.query(
        `INSERT INTO ${schema}.copy AS c (source, types) VALUES ($1, $2)
        ON CONFLICT (source) DO UPDATE
        SET types = excluded.types, replay_id = gen_random_uuid(), asked_at = NULL, completed_at = NULL
        WHERE NOT c.types @> excluded.types`,
        [source, types],
      );
    }
  }

  /** One instance sends each request, and repeats it only after `catchUpPatienceMs`. */
  async #sendDueRequests(): Promise<void> {
    const { bus, lastReplayed, limits } = this.#parts;
    const patienceMs = limits.catchUpPatienceMs;
    // Before the queue is bound, the answers and live events would be lost.
    if (bus.state !== 'up') return;
    if (this.#recovering > 0) await this.#send(this.#recoveries, await this.#recoveries.due(patienceMs));
    // While parts of a replay arrive, it is under way and is not requested again.
    if (this.#missing === 0 || Date.now() - lastReplayed() < patienceMs) return;
    await this.#send(this.#copies, await this.#copies.due(patienceMs));
  }

  async #send(requests: ReplayRequests, due: readonly ReplayRequest[]): Promise<void> {
    const { service, bus, limits, log } = this.#parts;
    const type = `${service}.replay-requested`;
    for (const { source, types, replayId, lostSince } of due) {
      const data = { replayId, types, ...(lostSince && { lostSince: lostSince.toISOString() }) };
      const parts = { type, subject: replayId, version: 1, data };
      const event = rowOf(envelope(service, parts, { correlationId: replayId }));
      const published = bus.publish({ ...event, to: source }).catch(() => 'unconfirmed' as const);
      const receipt = await this.#stopping.unless(published);
      log.info({ source, replayId, lostSince, receipt }, 'requested missing copies or events');
      if (receipt !== 'confirmed')
        await requests.retry(source, { patienceMs: limits.catchUpPatienceMs, afterMs: repeatMs });
    }
  }
}
