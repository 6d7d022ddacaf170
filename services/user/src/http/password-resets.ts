import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { normalizeEmail } from '../domain/email.js';
import { passwordReset } from '../domain/mailed-tokens.js';
import type { MailRequest } from '../operations/request-mail.js';
import type { ResetPasswordRequest } from '../operations/reset-password.js';
import { addRetryAfter } from './rate-limits.js';
import { Accepted, ByToken, NewPasswordOnly, ResetRequest, ResetUse } from './schemas.js';
import type { TimedAnswers } from './timed-answers.js';

interface Dependencies {
  requestMail(request: MailRequest): Promise<void>;
  resetPassword(request: ResetPasswordRequest): Promise<void>;
  timedAnswers: TimedAnswers;
}

/** More milliseconds than a request usually takes, so that most failures still reach the client. */
const answerAfterMs = 250;

export function passwordResetRoutes({ requestMail, resetPassword, timedAnswers }: Dependencies) {
  return routes((http) => {
    addRetryAfter(http);

    http.post(
      '/password-resets',
      {
        config: { auth: 'none', rateLimit: perMinute(20) },
        schema: {
          summary: 'Mails a password reset token. The answer doesn’t show whether the account exists',
          body: ResetRequest,
          response: { 202: Accepted },
        },
      },
      async ({ body, clientAddress, cause }, reply) => {
        const email = normalizeEmail(body.email);
        const network = networkOf(clientAddress);
        await timedAnswers.after(answerAfterMs, () =>
          requestMail({ kind: passwordReset, email, network, cause }),
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
      async ({ body, clientAddress, cause }, reply) => {
        await resetPassword({ ...body, network: networkOf(clientAddress), cause });
        return await reply.code(202).send({});
      },
    );

    // For clients of the previous release. The logs of proxies contain the path, and so the token.
    http.post(
      '/password-resets/:token',
      {
        config,
        schema: { summary, deprecated: true, params: ByToken, body: NewPasswordOnly, response },
      },
      async ({ params, body, clientAddress, cause }, reply) => {
        await resetPassword({ ...params, ...body, network: networkOf(clientAddress), cause });
        return await reply.code(202).send({});
      },
    );
  });
}
