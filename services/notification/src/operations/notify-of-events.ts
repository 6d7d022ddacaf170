import type { DomainEvent } from '@warren/contracts';
import type { PaymentState } from '@warren/payment-contract';
import type { User } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { type PaymentEventType, paymentNotices, welcomeNotice } from '../domain/notices/notice.js';
import { holdPeople } from '../store/user-copies.js';
import { notify } from './notify.js';

/** Welcomes a person who has just registered. @throws UnknownPersonError */
export async function welcome(tx: NotificationTx, event: DomainEvent<string, User>): Promise<void> {
  const { id } = event.data;
  await notify(tx, [welcomeNotice(event, id)], await holdPeople(tx, [id]));
}

/**
 * Notifies payer, recipient or both of what happened to a payment.
 *
 * @throws UnknownPersonError, before it writes anything
 */
export async function notifyOfPayment(
  tx: NotificationTx,
  event: DomainEvent<PaymentEventType, PaymentState>,
): Promise<void> {
  const payment = event.data;
  const people = await holdPeople(tx, [payment.payerId, payment.recipientId]);
  await notify(tx, paymentNotices(event, payment), people);
}
