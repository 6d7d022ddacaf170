import type { Payment, paymentContract } from '@warren/payment-contract';
import type { CommandContext } from '@warren/realtime';
import type { Commands } from '@warren/service-kit';
import type { ActRequest } from '../operations/act.js';

/** The commands by which a payer confirms or cancels a payment that requires action. */
export function actionCommands(
  act: (request: ActRequest) => Promise<Payment>,
): Commands<typeof paymentContract> {
  return {
    'payment.confirm': ({ id }, context) => act(requestOf('confirm', id, context)),
    'payment.cancel': ({ id }, context) => act(requestOf('cancel', id, context)),
  };
}

function requestOf(
  kind: ActRequest['kind'],
  paymentId: string,
  { principal, commandId, correlationId }: CommandContext,
): ActRequest {
  return { kind, paymentId, payerId: principal.userId, commandId, cause: { correlationId } };
}
