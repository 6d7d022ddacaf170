import { type EventBus, PublishError } from '@warren/event-bus';
import { backOffMs, jittered } from '@warren/timing';
import type { Logger } from 'pino';
import { isInfrastructure, mayBeInfrastructure } from '../failures.js';
import type { Limits } from '../limits.js';
import { Stopped, Stopping } from '../stopping.js';
import { envelope, rowOf } from '../transaction/serializer.js';
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

/** How many events of a replay may wait for their confirms. */
const maxUnconfirmed = 200;
const backOff = { firstMs: 5_000, maxMs: 300_000 };

/**
 * Sends the replays that other services requested, page by page, directly to the queue of that service. After a crash, the
 * loss of the broker or the end of this process, any instance continues from the last page.
 */
export class ReplayRunner {
  readonly #parts: RunnerParts;
  readonly #stopping = new Stopping();
  #failuresInARow = 0;
  #running: Promise<void> | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Abandons the present page; the instance that continues sends it again. */
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
      log.warn({ err: error }, 'could not read the open replays');
      return undefined;
    }
  }

  async #work(job: ReplayJob): Promise<void> {
    const { log } = this.#parts;
    const about = { replayId: job.id, consumer: job.consumer, source: job.source };
    try {
      log.info({ ...about, sent: job.sent }, 'a replay starts or continues');
      if (await this.#sendAll(job)) log.info({ ...about, sent: job.sent }, 'a replay is complete');
    } catch (error) {
      if (!(error instanceof Stopped)) log.warn({ ...about, err: error }, 'a replay stopped');
      await this.#release(job, error).catch((err: unknown) => {
        log.warn({ ...about, err }, 'a stopped replay could not be released; its lease will end');
      });
    }
  }

  /** Resolves to true once everything was sent, or to false if another runner has the job now. */
  async #sendAll(job: ReplayJob): Promise<boolean> {
    const { jobs, pages } = this.#parts;
    for (;;) {
      if (this.#stopping.now) throw new Stopped('stopped between two pages');
      const began = Date.now();
      const page = await pages(job);
      await this.#send(job, page);
      job.sent += page.events.length;
      if (!page.next) break;
      job.position = page.next;
      if (!(await jobs.advance(job))) return false;
      this.#failuresInARow = 0;
      await this.#pace(page.events.length, began);
    }
    await this.#announceCompletion(job);
    await jobs.finish(job);
    return true;
  }

  /** The bus holds a bounded number of events, and live ones need room there. So few are sent at once. */
  async #send(job: ReplayJob, { events }: Page): Promise<void> {
    for (let first = 0; first < events.length; first += maxUnconfirmed) {
      const part = events.slice(first, first + maxUnconfirmed);
      const published = Promise.all(part.map((event) => this.#parts.bus.publish(event)));
      const receipts = await this.#stopping.unless(published);
      if (receipts.includes('unroutable')) throw new Unanswerable(`${job.consumer} has no queue`);
    }
  }

  async #announceCompletion({ id, consumer, sent, asked, since }: ReplayJob): Promise<void> {
    const { service, bus } = this.#parts;
    const type = `${service}.replay-completed`;
    const data = { replayId: id, sent, ...(asked && since && { lostSince: since.toISOString() }) };
    const event = envelope(service, { type, subject: id, version: 1, data }, { correlationId: id });
    await this.#stopping.unless(bus.publish({ ...rowOf(event), to: consumer }));
  }

  /** A failure that may pass is retried with back-off. Any other one ends the replay. */
  async #release(job: ReplayJob, error: unknown): Promise<void> {
    const { jobs } = this.#parts;
    if (error instanceof Stopped) return jobs.release(job, 0);
    if (error instanceof PublishError && error.kind === 'refused') return jobs.fail(job, error.message);
    const mayPass = error instanceof PublishError || isInfrastructure(error) || mayBeInfrastructure(error);
    if (mayPass) {
      this.#failuresInARow += 1;
      return jobs.release(job, backOffMs(this.#failuresInARow, backOff));
    }
    await jobs.fail(job, error instanceof Unanswerable ? error.message : 'internal');
  }

  /** Limits the rate, since a database is read faster than a consumer handles events. */
  async #pace(sent: number, began: number): Promise<void> {
    const due = began + (sent / this.#parts.limits.replayPerSecond) * 1_000;
    if (due > Date.now()) await this.#stopping.sleep(due - Date.now());
  }
}
