import { AppError } from '@warren/contracts';
import { paymentContract } from '@warren/payment-contract';
import { problems, routes } from '@warren/service-kit';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { PaymentContext } from '../context.js';
import type { Webhook } from '../domain/webhook.js';
import { recordWebhookEvent } from '../operations/record-webhook-event.js';

type Dependencies = Pick<PaymentContext, 'uow' | 'log'> & {
  webhook: Webhook;
};

/** Maximum size of a webhook, in bytes. */
const bodyLimit = 256 * 1024;

const Received = Type.Object({ received: Type.Literal(true) });

/**
 * Accepts a provider's webhooks. A webhook only makes its operation due, and a sweeper then asks the provider for the
 * state. So late, repeated and reordered webhooks do no harm, and the answer does not wait for the provider.
 */
export function webhookRoutes({ webhook, ...context }: Dependencies) {
  const { path, signatureHeader } = webhook;
  return routes((http) => {
    // The signature covers the bytes as they were received.
    http.removeAllContentTypeParsers();
    http.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    );
    http.post(
      path,
      {
        // Providers send many requests from few addresses. Requests of others fail on the signature.
        config: { auth: 'none', unlimited: true },
        bodyLimit,
        schema: {
          summary: 'Takes an event of the provider, which its signature proves',
          headers: Type.Object({ [signatureHeader]: Type.Optional(Type.String()) }),
          body: Type.Unknown({ description: 'The event, byte for byte as it was signed' }),
          response: { 200: Received, ...problems(paymentContract, 'invalid-signature') },
        },
      },
      async (request) => {
        const event = webhook.read(bytesOf(request), headerOf(request, signatureHeader));
        if (event) await recordWebhookEvent(context, event);
        return { received: true as const };
      },
    );
  });
}

function bytesOf({ body }: FastifyRequest): Buffer {
  if (!Buffer.isBuffer(body)) throw new AppError('invalid-request', { detail: 'The body is empty' });
  return body;
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
