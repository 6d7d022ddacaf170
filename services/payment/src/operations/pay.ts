import { AppError, type Payment } from '@warren/contracts';
import type { ServiceContext } from '@warren/service-kit';
import type { Cause } from '@warren/unit-of-work';
import { v7 as uuidv7 } from 'uuid';
import { newPayment, type PaymentRequest } from '../domain/new-payment.js';
import type { Operation } from '../domain/operation.js';
import { announce } from '../events/announce.js';
import type { PaymentProvider } from '../providers/provider.js';
import type { PaymentDb, PrismaClient } from '../store/database.js';
import { leaseOperations } from '../store/operations.js';
import { findPayment } from '../store/payments.js';
import { reserve } from '../store/reservations.js';
import type { ProviderCalls } from './provider-calls.js';
import { resultWithin, type Timing } from './timing.js';

type Dependencies = Pick<ServiceContext<unknown, PaymentDb, PrismaClient>, 'client' | 'uow'> & {
  provider: PaymentProvider;
  calls: ProviderCalls;
  timing: Timing;
};

export interface PayRequest {
  payerId: string;
  idempotencyKey: string;
  request: PaymentRequest;
  cause: Cause;
}

interface Reservation {
  payment: Payment;
  charge: Operation;
}

/**
 * Pays in two transactions with the provider's call between them: reserved first, so that a crash leaves a trace;
 * settled after. A repeat with the same key goes on from the payment that the first one reserved.
 *
 * Resolves to the payment in the state it has reached, after `answerWithinMs` at the latest.
 *
 * @throws AppError `self-payment`, `unknown-payment-method`, `unknown-recipient`, `recipient-gone`,
 * `request-in-progress`, `idempotency-key-reused`, `service-overloaded`
 */
export function createPay({
  client,
  uow,
  provider,
  calls,
  timing,
}: Dependencies): (request: PayRequest) => Promise<Payment> {
  return async ({ payerId, idempotencyKey, request, cause }) => {
    calls.admit();
    let reserved: Reservation | undefined;
    const once = { userId: payerId, operation: 'payment.create', key: idempotencyKey, input: request, cause };
    const { value, replayed } = await uow.once(once, async (tx) => {
      const { payment, charge } = draft(payerId, request, cause);
      if (!provider.accepts(request.paymentMethod)) throw new AppError('unknown-payment-method');
      await reserve(tx, payment, charge, timing.leaseMs);
      announce(tx, payment);
      reserved = { payment, charge };
      return { paymentId: payment.id };
    });
    return replayed || !reserved ? goOn(value.paymentId) : callFirst(reserved);
  };

  async function callFirst({ payment, charge }: Reservation): Promise<Payment> {
    return (await resultWithin(timing.answerWithinMs, calls.run(charge, 'first'))) ?? payment;
  }

  async function goOn(paymentId: string): Promise<Payment> {
    const payment = await findPayment(client, paymentId);
    if (payment === undefined) throw new AppError('not-found');
    if (payment.status !== 'processing') return payment;
    const call = calls.running(paymentId) ?? takeOver(paymentId);
    return (await resultWithin(timing.answerWithinMs, call)) ?? payment;
  }

  async function takeOver(paymentId: string): Promise<Payment | undefined> {
    const [operation] = await leaseOperations(client, { leaseMs: timing.leaseMs, limit: 1, paymentId });
    return operation && (await calls.run(operation, 'again'));
  }
}

function draft(payerId: string, request: PaymentRequest, cause: Cause): Reservation {
  const createdAt = new Date();
  const payment = newPayment(uuidv7(), payerId, request, createdAt);
  const { id: paymentId, recipientId, amount, currency } = payment;
  const { paymentMethod } = request;
  const { correlationId } = cause;
  const charge: Operation = {
    id: uuidv7(),
    paymentId,
    kind: 'charge',
    paymentMethod,
    payerId,
    recipientId,
    amount,
    currency,
    attempts: 1,
    correlationId,
    createdAt,
  };
  return { payment, charge };
}
