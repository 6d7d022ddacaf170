import type { ChannelModel, ConfirmChannel, ServerProperties } from 'amqplib';
import type { Logger } from 'pino';
import { type BackOff, backOffDelay } from './back-off.js';
import { type BrokerRefusal, refusalOf } from './refusal.js';
import { within } from './within.js';

/** Long enough to declare quorum queues on a busy cluster. */
const setupTimeoutMs = 30_000;
/** A channel that lived so long was sound: the next failure starts the back-off anew. */
const soundAfterMs = 10_000;

export interface ChannelSession {
  channel: ConfirmChannel;
  server: ServerProperties;
  /** Runs `work` on a channel of its own: what the broker refuses closes that one, not this. */
  scratch<T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T>;
}

/** Declares, binds, consumes: whatever the channel shall have. Runs anew on each channel that is opened. */
export type ChannelSetup = (session: ChannelSession) => Promise<void>;

export interface ChannelOptions {
  /**
   * True where the broker closed a sound channel because of one message: another is opened at once, no back-off grows,
   * and the link counts as up meanwhile. Whoever says so must not send that message again on this channel.
   */
  reopensAtOnce?(error: unknown): boolean;
}

/** A channel that is opened and set up again whenever it, or its connection, is lost. */
export interface LinkChannel {
  /** The channel, set up; undefined while there is none. Ask each time, never keep it. */
  readonly current: ConfirmChannel | undefined;
  /** Why the last set-up was refused for good, if none has succeeded since this process began. */
  readonly refused: BrokerRefusal | undefined;
  /** Set while a channel that one message ended is opened again at once; resolves when that attempt is over. */
  readonly reopening: Promise<void> | undefined;
  /**
   * Resolves once the channel is set up, or once it is clear that this has to wait: a broker that is away keeps
   * nobody from starting.
   */
  attempted(): Promise<void>;
  /** Gives the channel up and opens another; what it held unacknowledged goes back to its queue. */
  restart(reason: string): void;
  /** Closes it for good. Never rejects. */
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
  /** The newest channel, also while it is being set up. */
  #newest: ConfirmChannel | undefined;
  #current: ConfirmChannel | undefined;
  #opening: Promise<void> = Promise.resolve();
  #reopening: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
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
    this.#attempt = 0;
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
    this.#log.warn({ reason }, 'channel restarts');
    this.#newest
      .close()
      .catch((error: unknown) => this.#log.debug({ err: error }, 'channel was closed already'));
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
      await within(setupTimeoutMs, this.#setup(session), 'setting the channel up took too long');
    } catch (error) {
      this.#log.error({ err: error }, 'channel could not be set up');
      if (!this.#wasSetUp) this.#refused = refusalOf(error);
      await giveUp(channel, this.#log);
      this.#openLater(model);
      return;
    }
    this.#wasSetUp = true;
    this.#refused = undefined;
    if (this.#closed || this.#model !== model) return giveUp(channel, this.#log);
    // The answer that completed the set-up and the end of the channel can come in one packet.
    if (ended) return this.#openLater(model);
    this.#current = channel;
    this.#openedAt = Date.now();
  }

  async #create(model: ChannelModel): Promise<ConfirmChannel | undefined> {
    try {
      const channel = await within(
        setupTimeoutMs,
        model.createConfirmChannel(),
        'opening a channel took too long',
      );
      this.#watch(channel, model);
      this.#newest = channel;
      return channel;
    } catch (error) {
      // A connection that opens no channel is of no use, also where nobody has said yet that it is closed.
      this.#log.warn({ err: error }, 'channel could not be opened');
      if (this.#model === model) this.#onDeadConnection(model, 'it opens no channel');
      return undefined;
    }
  }

  #watch(channel: ConfirmChannel, model: ChannelModel): void {
    keepQuiet(channel, this.#log);
    let reason: unknown;
    channel.on('error', (error) => {
      reason = error;
    });
    channel.on('close', () => {
      if (this.#current !== channel) return;
      this.#current = undefined;
      if (Date.now() - this.#openedAt > soundAfterMs) this.#attempt = 0;
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
    const delay = backOffDelay(this.#attempt, this.#backOff);
    this.#attempt += 1;
    this.#retry = setTimeout(() => {
      this.#opening = this.#open(model);
    }, delay);
  }
}

async function giveUp(channel: ConfirmChannel, log: Logger): Promise<void> {
  try {
    await within(3_000, channel.close(), 'the broker did not answer');
  } catch (error) {
    log.debug({ err: error }, 'channel was closed already');
  }
}

function scratchOn(model: ChannelModel, log: Logger): ChannelSession['scratch'] {
  return async (work) => {
    const channel = await model.createConfirmChannel();
    let ended = false;
    channel.once('close', () => {
      ended = true;
    });
    // A refusal is told to whoever asked; most are expected.
    keepQuiet(channel, log, 'debug');
    try {
      return await work(channel);
    } finally {
      if (!ended) await giveUp(channel, log);
    }
  };
}

/** Without these listeners an error on the channel, or one in a consumer, would end the process. */
function keepQuiet(channel: ConfirmChannel, log: Logger, level: 'warn' | 'debug' = 'warn'): void {
  channel.on('error', (error) => log[level]({ err: error }, 'channel closed by the broker'));
  channel.on('handler-error', (error, event) => log.error({ err: error, event }, 'a channel listener threw'));
}
