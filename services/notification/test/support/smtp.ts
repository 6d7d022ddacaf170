import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Received {
  from: string;
  to: string[];
  /** The whole message, with its quoted-printable body decoded. */
  raw: string;
  subject: string;
  messageId: string;
  text: string;
}

export interface MailServer {
  url: string;
  port: number;
  received: Received[];
  to(address: string): Received[];
  /** The SMTP reply code with which it refuses a recipient; `undefined` if it accepts them. */
  refuse: (address: string) => number | undefined;
  close(): Promise<void>;
}

/** A real SMTP server on 127.0.0.1. */
export async function mailServer(port = 0): Promise<MailServer> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onRcptTo({ address }, _session, done) {
      const code = mail.refuse(address);
      done(code === undefined ? null : Object.assign(new Error('not here'), { responseCode: code }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom ? mailFrom.address : '';
        received.push({ from, to: rcptTo.map(({ address }) => address), ...parsed(Buffer.concat(chunks)) });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  const { port: bound } = server.server.address() as AddressInfo;
  const mail: MailServer = {
    url: `smtp://127.0.0.1:${bound}`,
    port: bound,
    received,
    to: (address) => received.filter(({ to }) => to.includes(address)),
    refuse: () => undefined,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return mail;
}

export function parsed(message: Buffer): Omit<Received, 'from' | 'to'> {
  const raw = message
    .toString('utf8')
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/((?:=[0-9A-F]{2})+)/g, (hex) =>
      Buffer.from(hex.replaceAll('=', ''), 'hex').toString('utf8'),
    );
  const header = (name: string) =>
    new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(message.toString('utf8'))?.[1] ?? '';
  const text = /Content-Type: text\/plain[\s\S]*?\r\n\r\n([\s\S]*?)\r\n--/.exec(raw)?.[1] ?? '';
  return { raw, subject: header('Subject'), messageId: header('Message-ID'), text };
}
