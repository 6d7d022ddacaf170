import { AppError } from '@warren/contracts';
import { type PaymentStatus, paymentContract } from '@warren/payment-contract';
import { problems, routes } from '@warren/service-kit';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { PaymentContext } from '../context.js';
import type { Notice, Webhook } from '../providers/provider.js';
import { takeNotice } from '../store/notices.js';

type Dependencies = Pick<PaymentContext, 'uow' | 'log'> & {
  webhook: Webhook;
};

/** Bytes of a notice. */
const bodyLimit = 256 * 1024;

const Received = Type.Object({ received: Type.Literal(true) });

/**
 * Where a provider tells that something happened. A notice only makes the operation due: a sweeper asks the
 * provider how things are, so that late, repeated and reordered ones do no harm, and the answer waits for nobody.
 */
export function webhookRoutes({ uow, log, webhook }: Dependencies) {
  const { path, signatureHeader } = webhook;
  return routes((http) => {
    // What is signed are the bytes as they came.
    http.removeAllContentTypeParsers();
    http.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
      done(null, body),
    );
    http.post(
      path,
      {
        // Providers send many requests from few addresses. The signature refuses those of anybody else.
        config: { auth: 'none', unlimited: true },
        bodyLimit,
        schema: {
          summary: 'The provider tells that something happened; its signature is the proof',
          headers: Type.Object({ [signatureHeader]: Type.Optional(Type.String()) }),
          body: Type.Unknown({ description: 'The notice, byte for byte as it was signed' }),
          response: { 200: Received, ...problems(paymentContract, 'invalid-signature') },
        },
      },
      async (request) => {
        const notice = webhook.read(bytesOf(request), headerOf(request, signatureHeader));
        if (notice) await take(notice);
        return { received: true as const };
      },
    );
  });

  async function take(notice: Notice): Promise<void> {
    const { operationId, saysPaid } = notice;
    // Nothing is published, and the provider tells it only so often.
    const payment = await uow.run((tx) => takeNotice(tx, notice), { admit: false });
    if (payment === undefined) {
      log.info({ operationId }, 'a provider’s notice is about an operation that is not ours');
    } else if (saysPaid && neverPaid.has(payment.status)) {
      const { id: paymentId, status } = payment;
      log.error(
        { operationId, paymentId, status },
        'the provider says that a payment which is closed went through: money moved that is not in the books',
      );
    }
  }
}

/** What a payment cannot leave any more, without money having moved. */
const neverPaid: ReadonlySet<PaymentStatus> = new Set(['failed', 'canceled']);

function bytesOf({ body }: FastifyRequest): Buffer {
  if (!Buffer.isBuffer(body)) throw new AppError('invalid-request', { detail: 'The body is empty' });
  return body;
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
