import { createTransport } from 'nodemailer';
import { envelope, type Sender } from './envelope.js';
import { Undeliverable } from './failures.js';
import type { Mailer } from './mailer.js';

/** Milliseconds; the signal that comes with each mail bounds the whole. */
const limits = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
  dnsTimeout: 10_000,
};

/** Sends by SMTP (RFC 5321), over a few connections that are kept for the next mails. */
export function createSmtpMailer(url: string, from: Sender, connections: number): Mailer {
  const transport = createTransport({ url, pool: true, maxConnections: connections, ...limits });
  // Without a listener, a connection that breaks between two mails would end the process; the next mail tells.
  transport.on('error', () => undefined);

  return {
    async send(mail, signal) {
      try {
        await transport.sendMail({ ...envelope(mail, from), signal });
      } catch (error) {
        throw undeliverable(error) ?? error;
      }
    },
    async close() {
      transport.close();
    },
  };
}

/** A server's final word (5yz) on this recipient or this mail; not on us: then the operator has something to mend. */
function undeliverable(error: unknown): Undeliverable | undefined {
  const { code, command, responseCode } = (error ?? {}) as Record<string, unknown>;
  const isFinal = typeof responseCode === 'number' && responseCode >= 500 && responseCode < 600;
  const isOfMail = (code === 'EENVELOPE' && command === 'RCPT TO') || code === 'EMESSAGE';
  return isFinal && isOfMail ? new Undeliverable(`${code} ${responseCode}`) : undefined;
}
