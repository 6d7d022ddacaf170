export type { ChannelOptions, ChannelSession, ChannelSetup, LinkChannel } from './channel.js';
export { type AmqpConnection, type AmqpConnectionOptions, openConnection } from './connection.js';
export { ensureExchange, hasExchange, inequivalent, mismatchOf, requireExchange } from './exchange.js';
export { type AmqpLink, type AmqpLinkOptions, createAmqpLink } from './link.js';
export { defaultPrefix, prefixPattern, requirePrefix } from './prefix.js';
export { BrokerRefusal, codeOf, refusalOf } from './refusal.js';
export { brokerUser, withoutCredentials } from './url.js';
