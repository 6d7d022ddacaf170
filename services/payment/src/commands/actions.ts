import type { Payment, paymentContract } from '@warren/payment-contract';
import type { CommandContext } from '@warren/realtime';
import type { Commands } from '@warren/service-kit';
import type { ActRequest } from '../operations/act.js';

/** What a payer does about a payment that requires action, from a socket. */
export function actionCommands(
  act: (request: ActRequest) => Promise<Payment>,
): Commands<typeof paymentContract> {
  return {
    'payment.confirm': ({ id }, context) => act(asked('confirm', id, context)),
    'payment.cancel': ({ id }, context) => act(asked('cancel', id, context)),
  };
}

function asked(
  kind: ActRequest['kind'],
  paymentId: string,
  { principal, commandId, correlationId }: CommandContext,
): ActRequest {
  return { kind, paymentId, payerId: principal.userId, commandId, cause: { correlationId } };
}
