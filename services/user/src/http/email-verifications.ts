import { networkOf, perMinute, problems, routes } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import { emailVerification } from '../operations/mail-tokens.js';
import { requestMail } from '../operations/request-mail.js';
import { verifyEmail } from '../operations/verify-email.js';
import { findUser } from '../store/users.js';
import { tellWhenToRetry } from './limits.js';
import type { Parts } from './parts.js';
import { Accepted, ByToken } from './schemas.js';

export const emailVerifications = (parts: Parts) =>
  routes((http) => {
    tellWhenToRetry(http);
    http.post(
      '/email-verifications',
      {
        config: { rateLimit: perMinute(10) },
        schema: {
          summary: 'Mails a token that proves the caller’s address, unless it is proven',
          response: {
            202: Accepted,
          },
        },
      },
      async ({ principal, clientAddress, cause }, reply) => {
        const { email } = await findUser(parts.client, principal.userId);
        const network = networkOf(clientAddress);
        const wanted = ({ emailVerified }: { emailVerified: boolean }) => !emailVerified;
        await requestMail(parts, { mailing: emailVerification, email, network, wanted, cause });
        return await reply.code(202).send({});
      },
    );

    const summary = 'Proves an address with the token that was mailed to it';
    const config = { auth: 'none', rateLimit: perMinute(60) } as const;
    const response = { 202: Accepted, ...problems(userContract, 'invalid-token') };

    http.put(
      '/email-verifications',
      { config, schema: { summary, body: ByToken, response } },
      async ({ body: { token }, cause }, reply) => {
        await verifyEmail(parts, token, cause);
        return await reply.code(202).send({});
      },
    );

    // For clients of the release before: in a path the token is in the logs of proxies.
    http.post(
      '/email-verifications/:token',
      { config, schema: { summary, deprecated: true, params: ByToken, response } },
      async ({ params: { token }, cause }, reply) => {
        await verifyEmail(parts, token, cause);
        return await reply.code(202).send({});
      },
    );
  });
