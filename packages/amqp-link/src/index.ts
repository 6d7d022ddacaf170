export { type BackOff, backOffDelay, defaultBackOff } from './back-off.js';
export type { ChannelSession, ChannelSetup, LinkChannel } from './channel.js';
export { type AmqpConnection, type AmqpConnectionOptions, openConnection } from './connection.js';
export { ensureExchange } from './exchange.js';
export { type AmqpLink, type AmqpLinkOptions, createAmqpLink } from './link.js';
export { brokerUser, withoutCredentials } from './url.js';
export { within } from './within.js';
