import { type EventBus, PublishError } from '@warren/event-bus';
import type { Logger } from 'pino';
import { isInfrastructure, mayBeInfrastructure } from '../failures.js';
import { jittered } from '../jitter.js';
import type { Limits } from '../limits.js';
import { Stopped, Stopping } from '../stopping.js';
import { envelope, rowOf } from '../transaction/language.js';
import type { ReplayJob, ReplayJobs } from './jobs.js';
import { type Page, type Pages, Unanswerable } from './pages.js';

export interface RunnerParts {
  service: string;
  jobs: ReplayJobs;
  pages: Pages;
  bus: EventBus;
  limits: Pick<Limits, 'replayPollMs' | 'replayPerSecond'>;
  log: Logger;
}

/** Most events of a replay that wait for the bus to confirm them. */
const sentAtOnce = 200;
const backOff = { firstMs: 5_000, mostMs: 300_000 };

/**
 * Sends what other services asked to have again, page by page, straight to the one queue. Where it stops, by a
 * crash, a lost broker or the end of this process, any instance goes on from the last page.
 */
export class ReplayRunner {
  readonly #parts: RunnerParts;
  readonly #stopping = new Stopping();
  /** In a row. */
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives the page in hand up: whoever goes on sends it again. */
  async stop(): Promise<void> {
    this.#stopping.begin();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.now) {
      const job = await this.#lease();
      if (job) await this.#work(job);
      else await this.#stopping.sleep(jittered(this.#parts.limits.replayPollMs));
    }
  }

  async #lease(): Promise<ReplayJob | undefined> {
    const { jobs, bus, log } = this.#parts;
    if (bus.publishing !== 'up') return undefined;
    try {
      return await jobs.lease();
    } catch (error) {
      log.warn({ err: error }, 'could not look for replays');
      return undefined;
    }
  }

  async #work(job: ReplayJob): Promise<void> {
    const { log } = this.#parts;
    const about = { replayId: job.id, consumer: job.consumer, source: job.source };
    try {
      log.info({ ...about, sent: job.sent }, 'replay goes on');
      if (await this.#sendAll(job)) log.info({ ...about, sent: job.sent }, 'replay is complete');
    } catch (error) {
      if (!(error instanceof Stopped)) log.warn({ ...about, err: error }, 'replay stopped');
      await this.#settle(job, error).catch((err: unknown) => {
        log.warn(
          { ...about, err },
          'the end of a replay could not be written down; its lease ends by itself',
        );
      });
    }
  }

  /** True once it was sent whole; false if another runner has it. */
  async #sendAll(job: ReplayJob): Promise<boolean> {
    const { jobs, pages } = this.#parts;
    for (;;) {
      if (this.#stopping.now) throw new Stopped('between two pages');
      const began = Date.now();
      const page = await pages(job);
      await this.#send(job, page);
      job.sent += page.events.length;
      if (!page.next) break;
      job.position = page.next;
      if (!(await jobs.advance(job))) return false;
      this.#failures = 0;
      await this.#pace(page.events.length, began);
    }
    await this.#announceEnd(job);
    await jobs.finish(job);
    return true;
  }

  /** Sends few at once: the bus holds a bounded number of events, and live ones need room in it. */
  async #send(job: ReplayJob, { events }: Page): Promise<void> {
    for (let first = 0; first < events.length; first += sentAtOnce) {
      const some = events.slice(first, first + sentAtOnce);
      const published = Promise.all(some.map((event) => this.#parts.bus.publish(event)));
      const receipts = await this.#stopping.unless(published);
      if (receipts.includes('unroutable')) throw new Unanswerable(`${job.consumer} has no queue`);
    }
  }

  async #announceEnd({ id, consumer, sent, asked, since }: ReplayJob): Promise<void> {
    const { service, bus } = this.#parts;
    const type = `${service}.replay-completed`;
    const data = { replayId: id, sent, ...(asked && since && { lostSince: since.toISOString() }) };
    const event = envelope(service, { type, subject: id, version: 1, data }, { correlationId: id });
    await this.#stopping.unless(bus.publish({ ...rowOf(event), to: consumer }));
  }

  /** What can pass by itself is tried again; what can't ends the replay. */
  async #settle(job: ReplayJob, error: unknown): Promise<void> {
    const { jobs } = this.#parts;
    if (error instanceof Stopped) return jobs.release(job, 0);
    if (error instanceof PublishError && error.kind === 'refused') return jobs.fail(job, error.message);
    const passes = error instanceof PublishError || isInfrastructure(error) || mayBeInfrastructure(error);
    if (passes) {
      const delay = Math.min(backOff.mostMs, backOff.firstMs * 2 ** this.#failures);
      this.#failures += 1;
      return jobs.release(job, delay);
    }
    await jobs.fail(job, error instanceof Unanswerable ? error.message : 'internal');
  }

  /** A consumer's queue must not grow as fast as a database can be read. */
  async #pace(sent: number, began: number): Promise<void> {
    const due = began + (sent / this.#parts.limits.replayPerSecond) * 1_000;
    if (due > Date.now()) await this.#stopping.sleep(due - Date.now());
  }
}
