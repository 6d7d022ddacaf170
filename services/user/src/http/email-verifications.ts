import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { UserContext } from '../context.js';
import { emailVerification } from '../domain/mailed-tokens.js';
import type { MailRequest } from '../operations/request-mail.js';
import type { VerifyEmailRequest } from '../operations/verify-email.js';
import { findUser } from '../queries/users.js';
import { addRetryAfter } from './rate-limits.js';
import { Accepted, ByToken } from './schemas.js';

type Dependencies = Pick<UserContext, 'client'> & {
  requestMail(request: MailRequest): Promise<void>;
  verifyEmail(request: VerifyEmailRequest): Promise<void>;
};

export function emailVerificationRoutes({ client, requestMail, verifyEmail }: Dependencies) {
  return routes((http) => {
    addRetryAfter(http);

    http.post(
      '/email-verifications',
      {
        config: { rateLimit: perMinute(10) },
        schema: {
          summary: 'Mails a token that verifies the caller’s address, unless it is verified',
          response: { 202: Accepted },
        },
      },
      async ({ principal, clientAddress, cause }, reply) => {
        const { email } = await findUser(client, principal.userId);
        await requestMail({ kind: emailVerification, email, network: networkOf(clientAddress), cause });
        return await reply.code(202).send({});
      },
    );

    const summary = 'Verifies an address with the token that was mailed to it';
    const config = { auth: 'none', rateLimit: perMinute(60) } as const;
    const response = { 202: Accepted, ...problems(userContract, 'invalid-token') };

    http.put(
      '/email-verifications',
      { config, schema: { summary, body: ByToken, response } },
      async ({ body: { token }, cause }, reply) => {
        await verifyEmail({ token, cause });
        return await reply.code(202).send({});
      },
    );

    // For clients of the previous release. The logs of proxies contain the path, and so the token.
    http.post(
      '/email-verifications/:token',
      { config, schema: { summary, deprecated: true, params: ByToken, response } },
      async ({ params: { token }, cause }, reply) => {
        await verifyEmail({ token, cause });
        return await reply.code(202).send({});
      },
    );
  });
}
