import { createTransport } from 'nodemailer';
import { envelope, type Sender } from './envelope.js';
import { Undeliverable } from './failures.js';
import type { Mailer } from './mailer.js';
import { enhancedStatus, isFinal, type SmtpFailure } from './smtp-replies.js';

/** In milliseconds. The signal of each mail limits the whole. */
const limits = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
  dnsTimeout: 10_000,
};

/** Sends by SMTP (RFC 5321). Keeps its connections, at most `connections`, for later mails. */
export function createSmtpMailer(url: string, from: Sender, connections: number): Mailer {
  const transport = createTransport({ url, pool: true, maxConnections: connections, ...limits });
  // Without a listener, a connection that breaks between two mails would crash the process. The next mail notices.
  transport.on('error', () => undefined);

  return {
    async send(mail, signal) {
      try {
        await transport.sendMail({ ...envelope(mail, from), signal });
      } catch (error) {
        throw classified(error);
      }
    },
    async close() {
      transport.close();
    },
  };
}

/** Adds the enhanced status code, which rows and logs then show. */
function classified(error: unknown): unknown {
  const failure = (error ?? {}) as SmtpFailure & { code?: unknown };
  const { code, responseCode } = failure;
  const status = enhancedStatus(failure);
  if (isFinal(failure)) return new Undeliverable([code, responseCode, status].filter(Boolean).join(' '));
  return status === undefined ? error : Object.assign(error as object, { status });
}
