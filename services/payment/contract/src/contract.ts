import { Amount, Currency, Cursor, closed, defineContract, Id, Time, Version } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import { paymentErrors } from './errors.js';

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

/** `failed` may also come after `succeeded`, where the payer's bank sends the money back. */
export const RefundStatus = Type.Enum(['pending', 'succeeded', 'failed']);
export type RefundStatus = Static<typeof RefundStatus>;

/** A payment given back, whole or in part. */
export const Refund = Type.Object(
  { id: Id, paymentId: Id, amount: Amount, status: RefundStatus, createdAt: Time },
  closed,
);
export type Refund = Static<typeof Refund>;

/** What the ledger says that a person holds, one item per currency they ever dealt in. */
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
