import { Amount, Cursor, closed, currencies, Id } from '@warren/contracts';
import { Payment, Refund } from '@warren/payment-contract';
import { Type } from 'typebox';

/** Text that PostgreSQL can store: without NUL and without lone surrogates. */
const Text = Type.String({ maxLength: 500, pattern: '^[^\\u0000\\ud800-\\udfff]*$' });

export const CreatePayment = Type.Object(
  {
    recipientId: Id,
    amount: Amount,
    currency: Type.Enum([...currencies], { description: 'ISO 4217, alphabetic.' }),
    description: Type.Optional(Text),
    paymentMethod: Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9_]+$' }),
  },
  closed,
);

/** The key is required. It is optional here, so that a missing key gets an error code of its own. */
export const IdempotencyHeaders = Type.Object({ 'idempotency-key': Type.Optional(Type.String()) });

export const ListQuery = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    cursor: Type.Optional(Id),
  },
  closed,
);

export const PaymentList = Type.Object(
  { items: Type.Array(Payment), nextCursor: Type.Union([Cursor, Type.Null()]), asOf: Cursor },
  closed,
);

/** Without a body or an amount, the whole remaining amount is refunded. */
export const CreateRefund = Type.Union([
  Type.Object({ amount: Type.Optional(Amount) }, closed),
  Type.Null({ description: 'No body' }),
]);

export const RefundList = Type.Object(
  { items: Type.Array(Refund), nextCursor: Type.Union([Cursor, Type.Null()]), asOf: Cursor },
  closed,
);

export const ById = Type.Object({ id: Id }, closed);
