import type { PaymentStatus } from '@warren/payment-contract';
import type { PaymentContext } from '../context.js';
import type { WebhookEvent } from '../domain/webhook.js';
import { reopenOperation } from '../store/webhook-events.js';

/** Final states of payments that took no money. */
const unpaid: ReadonlySet<PaymentStatus> = new Set(['failed', 'canceled']);

/**
 * Makes the operation of a webhook due, so that a sweeper asks the provider for its state. A webhook about an unknown
 * operation changes nothing. Logs an error if the provider says that a payment succeeded that is failed or canceled
 * here: somebody must correct the ledger.
 */
export async function recordWebhookEvent(
  { uow, log }: Pick<PaymentContext, 'uow' | 'log'>,
  event: WebhookEvent,
): Promise<void> {
  const { operationId, saysPaid } = event;
  // Accepted even if the outbox is full: it publishes nothing, and providers repeat webhooks only a few times.
  const payment = await uow.run((tx) => reopenOperation(tx, event), { admit: false });
  if (payment === undefined) {
    log.info({ operationId }, 'a webhook is about an operation that does not exist here');
  } else if (saysPaid && unpaid.has(payment.status)) {
    const { id: paymentId, status } = payment;
    log.error(
      { operationId, paymentId, status },
      'the provider says that a failed or canceled payment succeeded: money moved that is not in the ledger',
    );
  }
}
