import { perMinute, problems, routes } from '@warren/service-kit';
import { emailVerification } from '../operations/mail-tokens.js';
import { requestMail } from '../operations/request-mail.js';
import { verifyEmail } from '../operations/verify-email.js';
import { findUser } from '../store/users.js';
import type { Parts } from './parts.js';
import { Accepted, ByToken } from './schemas.js';

export const emailVerifications = (parts: Parts) =>
  routes((http) => {
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
      async ({ principal, cause }, reply) => {
        const { email } = await findUser(parts.client, principal.userId);
        const wanted = ({ emailVerified }: { emailVerified: boolean }) => !emailVerified;
        await requestMail(parts, { mailing: emailVerification, email, wanted, cause });
        return await reply.code(202).send({});
      },
    );

    http.post(
      '/email-verifications/:token',
      {
        config: { auth: 'none', rateLimit: perMinute(60) },
        schema: {
          summary: 'Proves an address with the token that was mailed to it',
          params: ByToken,
          response: {
            202: Accepted,
            ...problems('invalid-token'),
          },
        },
      },
      async ({ params: { token }, cause }, reply) => {
        await verifyEmail(parts, token, cause);
        return await reply.code(202).send({});
      },
    );
  });
