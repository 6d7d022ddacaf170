import { type BackOff, backOffMs, fullyJittered } from '@warren/timing';
import type { ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { type ChannelOptions, type ChannelSetup, type LinkChannel, SupervisedChannel } from './channel.js';
import { destroySocket, dial, shut } from './connection.js';
import { type BrokerRefusal, refusalOf } from './refusal.js';
import { brokerUrl, withoutCredentials } from './url.js';

/** After a connection has lived this long, the back-off starts from the beginning again. */
const soundAfterMs = 10_000;

/** Delays before the next attempt to connect, in milliseconds, with full jitter. */
const defaultBackOff: BackOff = { firstMs: 200, maxMs: 10_000 };

export interface AmqpLinkOptions {
  /** `amqp://` or, for TLS, `amqps://`. */
  url: string;
  /** The connection's name in the broker's management, e.g. `payment publishing`. */
  name: string;
  log: Logger;
  /** A broker that doesn't answer is noticed after two to three heartbeats. Default 10. */
  heartbeatSeconds?: number;
  /** Default 10 s. */
  connectTimeoutMs?: number;
  backOff?: BackOff;
}

/** A connection to the broker that reconnects by itself and sets up its channels again. */
export interface AmqpLink {
  /** `degraded` while the broker is away or blocks this connection, or while a channel is not set up. */
  readonly state: 'up' | 'degraded';
  /** The broker accepts no messages on this connection, because it is short of memory or disk space. */
  readonly blocked: boolean;
  /**
   * Why the broker refused the login or a channel's set-up, if it has refused since this process began. Only an operator
   * can change that. A broker that is away is not a refusal, nor is one that refuses what it once granted.
   */
  readonly refused: BrokerRefusal | undefined;
  /** Opens a channel and keeps it open. Throws only after `close`. */
  openChannel(setup: ChannelSetup, options?: ChannelOptions): LinkChannel;
  /** Closes the channels and the connection. Never rejects. Takes some seconds if the broker doesn't answer. */
  close(): Promise<void>;
}

/** Starts connecting at once. Throws `TypeError` if `url` is not an AMQP URL. */
export function createAmqpLink(options: AmqpLinkOptions): AmqpLink {
  return new Link(options);
}

// amqplib's own `recovery` is not used. It attaches to a connection after opening it and never replaces one that died
// in between, and its back-off starts from the beginning with each connection, even a short-lived one.
class Link implements AmqpLink {
  readonly #url: string;
  readonly #name: string;
  readonly #log: Logger;
  readonly #timeoutMs: number;
  readonly #backOff: BackOff;
  readonly #channels = new Set<SupervisedChannel>();
  #model: ChannelModel | undefined;
  #connecting: Promise<void>;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #connectedAt = 0;
  #blocked = false;
  #closed = false;
  #wasConnected = false;
  #refused: BrokerRefusal | undefined;

  constructor(options: AmqpLinkOptions) {
    this.#url = brokerUrl(options.url, options.heartbeatSeconds ?? 10);
    this.#name = options.name;
    this.#log = options.log.child({ broker: withoutCredentials(options.url), connection: options.name });
    this.#timeoutMs = options.connectTimeoutMs ?? 10_000;
    this.#backOff = options.backOff ?? defaultBackOff;
    this.#connecting = this.#connect();
  }

  get state(): 'up' | 'degraded' {
    if (!this.#model || this.#blocked) return 'degraded';
    return [...this.#channels].every((channel) => channel.current || channel.reopening) ? 'up' : 'degraded';
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  get refused(): BrokerRefusal | undefined {
    return this.#refused ?? [...this.#channels].find((channel) => channel.refused)?.refused;
  }

  openChannel(setup: ChannelSetup, options: ChannelOptions = {}): LinkChannel {
    if (this.#closed) throw new Error('The link to the broker is closed');
    const channel = new SupervisedChannel({
      setup,
      options,
      log: this.#log,
      backOff: this.#backOff,
      onDeadConnection: (model, reason) => this.#giveUp(model, reason),
      onClosed: (closed) => this.#channels.delete(closed),
      connecting: () => this.#connecting,
    });
    this.#channels.add(channel);
    if (this.#model) channel.attach(this.#model);
    return channel;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#connecting;
    await Promise.all([...this.#channels].map((channel) => channel.close()));
    const model = this.#model;
    this.#model = undefined;
    if (model) await shut(model);
  }

  async #connect(): Promise<void> {
    try {
      const model = await dial(this.#url, this.#name, this.#timeoutMs);
      await this.#adopt(model);
    } catch (error) {
      if (!this.#wasConnected) this.#refused = refusalOf(error);
      // Warns once per outage.
      const level = this.#failures === 0 ? 'warn' : 'debug';
      this.#log[level]({ err: error }, 'the broker cannot be reached; retrying');
      this.#connectLater();
    }
  }

  async #adopt(model: ChannelModel): Promise<void> {
    model.on('error', (error) => this.#log.warn({ err: error }, 'connection to the broker failed'));
    model.on('close', (error) => this.#lost(model, error));
    model.on('blocked', (reason) => this.#setBlocked(model, true, reason));
    model.on('unblocked', () => this.#setBlocked(model, false));
    if (this.#closed) return shut(model);
    this.#model = model;
    this.#wasConnected = true;
    this.#refused = undefined;
    this.#connectedAt = Date.now();
    this.#log.info({ server: model.connection.serverProperties.version }, 'connected to the broker');
    for (const channel of this.#channels) channel.attach(model);
  }

  #setBlocked(model: ChannelModel, blocked: boolean, reason?: string): void {
    if (this.#model !== model) return;
    this.#blocked = blocked;
    if (blocked) this.#log.warn({ reason }, 'the broker blocks publishing');
    else this.#log.info('the broker accepts publishing again');
  }

  #lost(model: ChannelModel, error: Error | undefined): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    this.#blocked = false;
    for (const channel of this.#channels) channel.detach();
    if (Date.now() - this.#connectedAt > soundAfterMs) this.#failures = 0;
    this.#log.warn({ err: error }, 'connection to the broker lost');
    destroySocket(model);
    this.#connectLater();
  }

  #giveUp(model: ChannelModel, reason: string): void {
    this.#lost(model, new Error(`connection closed: ${reason}`));
  }

  #connectLater(): void {
    if (this.#closed) return;
    this.#failures += 1;
    const delay = fullyJittered(backOffMs(this.#failures, this.#backOff));
    this.#retry = setTimeout(() => {
      this.#connecting = this.#connect();
    }, delay);
  }
}
