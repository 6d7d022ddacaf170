import { Amount, Currency, Cursor, closed, defineContract, Id, Time, Version } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import { paymentErrors } from './errors.js';

export const PaymentStatus = Type.Enum(['processing', 'requires_action', 'succeeded', 'failed', 'canceled']);
export type PaymentStatus = Static<typeof PaymentStatus>;

/** What the payer must do before the provider continues. */
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

/** A payment as other services see it. */
export const PaymentState = Type.Object({ ...shared, failureCode: Type.Optional(Type.String()) }, closed);
export type PaymentState = Static<typeof PaymentState>;

/** A payment as browsers see it. Only the payer gets the three optional fields. */
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

/** A refund can change from `succeeded` to `failed`, if the payer's bank sends the money back. */
export const RefundStatus = Type.Enum(['pending', 'succeeded', 'failed']);
export type RefundStatus = Static<typeof RefundStatus>;

/** A refund of a whole payment or of a part of it. */
export const Refund = Type.Object(
  { id: Id, paymentId: Id, amount: Amount, status: RefundStatus, createdAt: Time },
  closed,
);
export type Refund = Static<typeof Refund>;

/** A person's balances in the ledger, with one item for each currency in which they have entries. */
export const Balance = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          currency: Currency,
          amount: Type.Integer({ description: 'In the currency’s minor unit; may be negative.' }),
        },
        closed,
      ),
    ),
    asOf: Cursor,
  },
  closed,
);
export type Balance = Static<typeof Balance>;

const PaymentId = Type.Object({ id: Id }, closed);

export const paymentContract = defineContract({
  service: 'payment',
  emits: {
    'payment.requires-action': PaymentState,
    'payment.processing': PaymentState,
    'payment.succeeded': PaymentState,
    'payment.failed': PaymentState,
    'payment.canceled': PaymentState,
    'payment.refunded': PaymentState,
    'payment.refund-failed': PaymentState,
    'payment.snapshot': PaymentState,
  },
  discardable: ['payment.processing', 'payment.canceled', 'payment.snapshot'],
  commands: {
    'payment.confirm': { input: PaymentId, output: Payment },
    'payment.cancel': { input: PaymentId, output: Payment },
  },
  feed: { 'payment.updated': Payment },
  errors: paymentErrors,
});
