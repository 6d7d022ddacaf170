export * from './contract.js';
export * from './errors.js';
export * from './event.js';
export * from './money.js';
export * from './services/notification.js';
export * from './services/payment.js';
export * from './services/shapes.js';
export * from './services/user.js';
