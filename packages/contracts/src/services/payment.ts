import { type Static, Type } from 'typebox';
import { defineContract } from '../contract.js';
import { Amount, Currency, closed, Id, Time, Version } from './shapes.js';

export const PaymentStatus = Type.Enum(['processing', 'requires_action', 'succeeded', 'failed', 'canceled']);
export type PaymentStatus = Static<typeof PaymentStatus>;

/** What the provider wants of the payer before it goes on. */
export const NextAction = Type.Object({ type: Type.String({ maxLength: 100 }) }, closed);
export type NextAction = Static<typeof NextAction>;

const shared = {
  id: Id,
  payerId: Id,
  recipientId: Id,
  amount: Amount,
  currency: Currency,
  amountRefunded: Type.Integer({ minimum: 0 }),
  status: PaymentStatus,
  description: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]),
  version: Version,
  createdAt: Time,
  updatedAt: Time,
};

/** As services see it. */
export const PaymentState = Type.Object({ ...shared, failureCode: Type.Optional(Type.String()) }, closed);
export type PaymentState = Static<typeof PaymentState>;

/** As browsers see it; the three optional fields are for the payer only. */
export const Payment = Type.Object(
  {
    ...shared,
    failureCode: Type.Optional(Type.String()),
    nextAction: Type.Optional(NextAction),
    clientSecret: Type.Optional(Type.String()),
  },
  closed,
);
export type Payment = Static<typeof Payment>;

export const paymentContract = defineContract({
  service: 'payment',
  emits: {
    'payment.requires-action': PaymentState,
    'payment.processing': PaymentState,
    'payment.succeeded': PaymentState,
    'payment.failed': PaymentState,
    'payment.canceled': PaymentState,
    'payment.refunded': PaymentState,
    'payment.snapshot': PaymentState,
  },
  consumes: ['user.registered', 'user.updated', 'user.deleted', 'user.snapshot'],
  commands: {},
  feed: { 'payment.updated': Payment },
});
