import { type ChannelModel, connect } from 'amqplib';

export const exchange = 'warren.events';
export const queue = 'warren.notification.events';
export const paymentSucceeded = 'payment.succeeded';

/** Nagle's algorithm off: with it, one message at a time takes 44 ms. */
export function connectBroker(url: string): Promise<ChannelModel> {
  return connect(url, { noDelay: true });
}
