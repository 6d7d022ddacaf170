import type { PaymentStatus } from '@warren/payment-contract';
import type { PaymentContext } from '../context.js';
import type { WebhookEvent } from '../domain/webhook.js';
import { reopenOperation } from '../store/webhook-events.js';

/** A payment in these states took no money. It can't leave them. */
const unpaid: ReadonlySet<PaymentStatus> = new Set(['failed', 'canceled']);

/**
 * Makes the operation due that a provider's webhook event is about, so that the sweeper asks the provider for its
 * state. An event about an unknown operation changes nothing. Logs an error if the provider says that a payment
 * succeeded which is closed as unpaid: somebody must correct the books.
 */
export async function recordWebhookEvent(
  { uow, log }: Pick<PaymentContext, 'uow' | 'log'>,
  event: WebhookEvent,
): Promise<void> {
  const { operationId, saysPaid } = event;
  // It publishes nothing, and a provider repeats its events only a limited number of times.
  const payment = await uow.run((tx) => reopenOperation(tx, event), { admit: false });
  if (payment === undefined) {
    log.info({ operationId }, 'a webhook event is about an operation that does not exist here');
  } else if (saysPaid && unpaid.has(payment.status)) {
    const { id: paymentId, status } = payment;
    log.error(
      { operationId, paymentId, status },
      'the provider says that a closed payment succeeded: money moved that is not in the books',
    );
  }
}
