import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { normalizeEmail } from '../domain/email.js';
import { passwordReset } from '../operations/mail-tokens.js';
import { requestMail } from '../operations/request-mail.js';
import { resetPassword } from '../operations/reset-password.js';
import { tellWhenToRetry } from './limits.js';
import type { Parts } from './parts.js';
import { Accepted, ByToken, NewPasswordOnly, ResetRequest, ResetUse } from './schemas.js';

/** Milliseconds, and more than a request mostly takes: so that it fails in time if it does. */
const answerAfter = 250;

export const passwordResets = (parts: Parts) =>
  routes((http) => {
    tellWhenToRetry(http);

    http.post(
      '/password-resets',
      {
        config: { auth: 'none', rateLimit: perMinute(20) },
        schema: {
          summary: 'Mails a token for a new password, if there is such an account; the answer doesn’t tell',
          body: ResetRequest,
          response: { 202: Accepted },
        },
      },
      async (request, reply) => {
        const { body, cause } = request;
        const email = normalizeEmail(body.email);
        const network = networkOf(request.clientAddress);
        await parts.timedAnswers.after(answerAfter, () =>
          requestMail(parts, { mailing: passwordReset, email, network, cause }),
        );
        return await reply.code(202).send({});
      },
    );

    const summary = 'Sets a new password with a mailed token and ends all sessions';
    const config = { auth: 'none', rateLimit: perMinute(20) } as const;
    const response = { 202: Accepted, ...problems(userContract, 'invalid-token') };

    http.put(
      '/password-resets',
      { config, schema: { summary, body: ResetUse, response } },
      async (request, reply) => {
        const { body, cause } = request;
        const network = networkOf(request.clientAddress);
        await resetPassword(parts, { ...body, network, cause });
        return await reply.code(202).send({});
      },
    );

    // For clients of the release before: in a path the token is in the logs of proxies.
    http.post(
      '/password-resets/:token',
      {
        config,
        schema: { summary, deprecated: true, params: ByToken, body: NewPasswordOnly, response },
      },
      async (request, reply) => {
        const { params, body, cause } = request;
        const network = networkOf(request.clientAddress);
        await resetPassword(parts, { ...params, ...body, network, cause });
        return await reply.code(202).send({});
      },
    );
  });
