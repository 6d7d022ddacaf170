import { defineContract } from '@warren/contracts';
import { PaymentState } from '@warren/payment-contract';
import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;

export const NewPayment = Type.Object(
  {
    recipientId: Type.String({ format: 'uuid' }),
    amount: Type.Integer({ minimum: 1 }),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    paymentMethod: Type.Optional(Type.String({ maxLength: 100 })),
  },
  closed,
);
export type NewPayment = Static<typeof NewPayment>;

export const Notification = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: Type.String(),
    title: Type.String(),
    body: Type.String(),
    data: Type.Object({ paymentId: Type.String({ format: 'uuid' }) }, closed),
    version: Type.Integer({ minimum: 1 }),
    createdAt: Type.String({ format: 'date-time' }),
  },
  closed,
);
export type Notification = Static<typeof Notification>;

export const paymentContract = defineContract({
  service: 'payment',
  emits: { 'payment.succeeded': PaymentState },
  commands: {},
  feed: {},
});

export const notificationContract = defineContract({
  service: 'notification',
  emits: {},
  commands: {},
  feed: { 'notification.created': Type.Object({ notification: Notification }, closed) },
});
