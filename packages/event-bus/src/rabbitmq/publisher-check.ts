import type { ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { publisherOf, text } from './messages.js';
import type { BrokerNames } from './names.js';

/** Whether a broker user may publish events of a type. */
export type Authorize = (publisher: string, type: string) => boolean;

/** Milliseconds between two log lines about refused messages. */
const logEveryMs = 1_000;

export interface PublisherCheckOptions {
  names: BrokerNames;
  /** The broker user of the bus's connections. */
  user: string;
  authorize: Authorize;
  /** Each broker user has the name of its service. */
  serviceUsers: boolean;
  log: Logger;
}

/** Checks that each message was published by a broker user who may publish it, and counts the others. */
export class PublisherCheck {
  readonly #options: PublisherCheckOptions;
  #unauthorized = 0;
  #loggedAt = 0;

  constructor(options: PublisherCheckOptions) {
    this.#options = options;
  }

  get unauthorized(): number {
    return this.#unauthorized;
  }

  /** The service that published this message; undefined if broker users are no services. */
  publisher(message: ConsumeMessage, service: string): string | undefined {
    const { names, user, serviceUsers } = this.#options;
    return serviceUsers ? publisherOf(message, { service, user, names }) : undefined;
  }

  /** The error if the publisher of this message may not publish events of this type; undefined if they may. */
  refusal(message: ConsumeMessage, type: string, service: string): Error | undefined {
    const { names, user, authorize, log } = this.#options;
    const publisher = publisherOf(message, { service, user, names });
    if (publisher !== undefined && authorize(publisher, type)) return undefined;
    this.#unauthorized += 1;
    const now = Date.now();
    if (now - this.#loggedAt >= logEveryMs) {
      this.#loggedAt = now;
      const { exchange, routingKey } = message.fields;
      const messageId = text(message.properties.messageId);
      log.error(
        {
          security: true,
          publisher,
          type,
          messageId,
          exchange,
          routingKey,
          unauthorized: this.#unauthorized,
        },
        'refused messages whose publisher may not publish such events',
      );
    }
    const who =
      publisher === undefined ? 'a user whom the broker does not name' : `broker user "${publisher}"`;
    return new Error(`${type} was published by ${who}, who may not publish it`);
  }
}
