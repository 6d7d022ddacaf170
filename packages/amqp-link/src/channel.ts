import { type BackOff, backOffMs, fullyJittered, withDeadline } from '@warren/timing';
import type { ChannelModel, ConfirmChannel, ServerProperties } from 'amqplib';
import type { Logger } from 'pino';
import { type BrokerRefusal, refusalOf } from './refusal.js';

/** Long enough for declaring quorum queues on a busy cluster. */
const setupTimeoutMs = 30_000;
/** After a channel has lived this long, the back-off starts from the beginning again. */
const soundAfterMs = 10_000;

export interface ChannelSession {
  channel: ConfirmChannel;
  server: ServerProperties;
  /** Runs `work` on a separate channel: if the broker refuses an operation, it closes that channel and not this one. */
  scratch<T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T>;
}

/** Declares, binds and consumes on a new channel. Runs again on each channel that is opened. */
export type ChannelSetup = (session: ChannelSession) => Promise<void>;

export interface ChannelOptions {
  /**
   * Returns true if the broker closed the channel because of a single message. Another channel is then opened at once
   * without back-off, and the link stays `up`. The caller must not send that message on this channel again.
   */
  reopensAtOnce?(error: unknown): boolean;
}

/** A channel that is opened and set up again whenever it or its connection is lost. */
export interface LinkChannel {
  /** The channel after its set-up; `undefined` while there is none. Read it for each use and don't store it. */
  readonly current: ConfirmChannel | undefined;
  /** Why the broker refused the last set-up. `undefined` once a set-up has succeeded in this process. */
  readonly refused: BrokerRefusal | undefined;
  /** Set while a channel that a single message closed is opened again; resolves after that attempt. */
  readonly reopening: Promise<void> | undefined;
  /** Resolves after the first set-up has succeeded or failed, so that a process can start without the broker. */
  attempted(): Promise<void>;
  /** Closes the channel and opens another. Unacknowledged messages return to their queue. */
  restart(reason: string): void;
  /** Closes the channel permanently. Never rejects. */
  close(): Promise<void>;
}

export class SupervisedChannel implements LinkChannel {
  readonly #setup: ChannelSetup;
  readonly #reopensAtOnce: (error: unknown) => boolean;
  readonly #log: Logger;
  readonly #backOff: BackOff;
  readonly #onDeadConnection: (model: ChannelModel, reason: string) => void;
  readonly #onClosed: (channel: SupervisedChannel) => void;
  readonly #connecting: () => Promise<void>;
  #model: ChannelModel | undefined;
  /** The newest channel, including one that is being set up. */
  #newest: ConfirmChannel | undefined;
  #current: ConfirmChannel | undefined;
  #opening: Promise<void> = Promise.resolve();
  #reopening: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #openedAt = 0;
  #closed = false;
  #wasSetUp = false;
  #refused: BrokerRefusal | undefined;

  constructor(options: {
    setup: ChannelSetup;
    options: ChannelOptions;
    log: Logger;
    backOff: BackOff;
    onDeadConnection: (model: ChannelModel, reason: string) => void;
    onClosed: (channel: SupervisedChannel) => void;
    connecting: () => Promise<void>;
  }) {
    this.#setup = options.setup;
    this.#reopensAtOnce = options.options.reopensAtOnce ?? (() => false);
    this.#log = options.log;
    this.#backOff = options.backOff;
    this.#onDeadConnection = options.onDeadConnection;
    this.#onClosed = options.onClosed;
    this.#connecting = options.connecting;
  }

  get current(): ConfirmChannel | undefined {
    return this.#current;
  }

  get refused(): BrokerRefusal | undefined {
    return this.#refused;
  }

  get reopening(): Promise<void> | undefined {
    return this.#reopening;
  }

  async attempted(): Promise<void> {
    await this.#connecting();
    await this.#opening;
  }

  attach(model: ChannelModel): void {
    this.#model = model;
    this.#failures = 0;
    this.#opening = this.#open(model);
  }

  detach(): void {
    this.#model = undefined;
    this.#newest = undefined;
    this.#current = undefined;
    this.#reopening = undefined;
    clearTimeout(this.#retry);
  }

  restart(reason: string): void {
    if (!this.#newest) return;
    this.#log.warn({ reason }, 'restarting the channel');
    this.#newest
      .close()
      .catch((error: unknown) => this.#log.debug({ err: error }, 'the channel was already closed'));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#onClosed(this);
    const channel = this.#current;
    this.#current = undefined;
    if (channel) await giveUp(channel, this.#log);
  }

  async #open(model: ChannelModel): Promise<void> {
    const channel = await this.#create(model);
    if (!channel) return;
    let ended = false;
    channel.once('close', () => {
      ended = true;
    });
    try {
      const session = {
        channel,
        server: model.connection.serverProperties,
        scratch: scratchOn(model, this.#log),
      };
      await withDeadline(this.#setup(session), setupTimeoutMs, 'setting up the channel timed out');
    } catch (error) {
      this.#log.error({ err: error }, 'setting up the channel failed');
      if (!this.#wasSetUp) this.#refused = refusalOf(error);
      await giveUp(channel, this.#log);
      this.#openLater(model);
      return;
    }
    this.#wasSetUp = true;
    this.#refused = undefined;
    if (this.#closed || this.#model !== model) return giveUp(channel, this.#log);
    // The last answer of the set-up and the channel's close can arrive in one packet.
    if (ended) return this.#openLater(model);
    this.#current = channel;
    this.#openedAt = Date.now();
  }

  async #create(model: ChannelModel): Promise<ConfirmChannel | undefined> {
    try {
      const channel = await withDeadline(
        model.createConfirmChannel(),
        setupTimeoutMs,
        'opening a channel timed out',
      );
      this.#watch(channel, model);
      this.#newest = channel;
      return channel;
    } catch (error) {
      // A connection that opens no channel is dead, even if its close has not been noticed yet.
      this.#log.warn({ err: error }, 'opening a channel failed');
      if (this.#model === model) this.#onDeadConnection(model, 'a channel could not be opened');
      return undefined;
    }
  }

  #watch(channel: ConfirmChannel, model: ChannelModel): void {
    logErrors(channel, this.#log);
    let reason: unknown;
    channel.on('error', (error) => {
      reason = error;
    });
    channel.on('close', () => {
      if (this.#current !== channel) return;
      this.#current = undefined;
      if (Date.now() - this.#openedAt > soundAfterMs) this.#failures = 0;
      if (reason !== undefined && this.#reopensAtOnce(reason)) this.#openAtOnce(model);
      else this.#openLater(model);
    });
  }

  #openAtOnce(model: ChannelModel): void {
    if (this.#closed || this.#model !== model) return;
    const reopening = this.#open(model).finally(() => {
      if (this.#reopening === reopening) this.#reopening = undefined;
    });
    this.#reopening = reopening;
    this.#opening = reopening;
  }

  #openLater(model: ChannelModel): void {
    if (this.#closed || this.#model !== model) return;
    this.#failures += 1;
    const delay = fullyJittered(backOffMs(this.#failures, this.#backOff));
    this.#retry = setTimeout(() => {
      this.#opening = this.#open(model);
    }, delay);
  }
}

async function giveUp(channel: ConfirmChannel, log: Logger): Promise<void> {
  try {
    await withDeadline(channel.close(), 3_000, 'the broker did not confirm the close');
  } catch (error) {
    log.debug({ err: error }, 'the channel was already closed');
  }
}

function scratchOn(model: ChannelModel, log: Logger): ChannelSession['scratch'] {
  return async (work) => {
    const channel = await model.createConfirmChannel();
    let ended = false;
    channel.once('close', () => {
      ended = true;
    });
    // The caller of `scratch` gets the error. Most of these refusals are expected.
    logErrors(channel, log, 'debug');
    try {
      return await work(channel);
    } finally {
      if (!ended) await giveUp(channel, log);
    }
  };
}

/** Without these listeners an error of the channel or in a consumer would end the process. */
function logErrors(channel: ConfirmChannel, log: Logger, level: 'warn' | 'debug' = 'warn'): void {
  channel.on('error', (error) => log[level]({ err: error }, 'the broker closed the channel'));
  channel.on('handler-error', (error, event) => log.error({ err: error, event }, 'a channel listener threw'));
}
