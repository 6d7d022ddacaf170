import type { ServiceContract } from './contract.js';
import { notificationContract } from './services/notification.js';
import { paymentContract } from './services/payment.js';
import { userContract } from './services/user.js';

export * from './contract.js';
export * from './display-name.js';
export * from './errors.js';
export * from './event.js';
export * from './money.js';
export * from './notices/index.js';
export * from './replay.js';
export * from './services/notification.js';
export * from './services/payment.js';
export * from './services/shapes.js';
export * from './services/user.js';

/** Every service's contract. */
export const contracts: readonly ServiceContract[] = [userContract, paymentContract, notificationContract];
