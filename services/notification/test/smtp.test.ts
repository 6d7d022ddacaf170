import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { v7 as uuidv7 } from 'uuid';
import { senderOf } from '../src/providers/envelope.js';
import { failureCode, Undeliverable } from '../src/providers/failures.js';
import type { Mailer } from '../src/providers/mailer.js';
import { createSmtpMailer } from '../src/providers/smtp.js';
import { enhancedStatus } from '../src/providers/smtp-replies.js';

const from = senderOf('hello@warren.example');
const mail = () => ({
  id: uuidv7(),
  to: 'ada@example.org',
  subject: 'Hello',
  text: 'text',
  html: '<p>text</p>',
  date: new Date(),
});
const soon = () => AbortSignal.timeout(5_000);

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function mailerTo(url: string): Mailer {
  const mailer = createSmtpMailer(url, from, 2);
  opened.push(() => mailer.close());
  return mailer;
}

/** A server with a self-signed certificate. `mails` has an entry for each mail that it gets. */
async function smtp(options: SMTPServerOptions): Promise<{ port: number; mails: string[] }> {
  const mails: string[] = [];
  const server = new SMTPServer({
    logger: false,
    onAuth: ({ username, password }, _session, done) =>
      password === 'secret' ? done(null, { user: username }) : done(new Error('wrong')),
    onData(stream, session, done) {
      stream.resume().on('end', () => {
        mails.push(`${session.user ?? 'nobody'} ${session.secure ? 'over TLS' : 'in clear'}`);
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  opened.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, mails };
}

async function tcp(talk: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

describe('SMTP over TLS', () => {
  it('signs in with the user and password of the address', async () => {
    const { port, mails } = await smtp({ secure: true });
    const url = `smtps://ada:secret@127.0.0.1:${port}?tls.rejectUnauthorized=false`;
    await mailerTo(url).send(mail(), soon());
    expect(mails).toEqual(['ada over TLS']);
  });

  it('sends nothing to a server with an untrusted certificate', async () => {
    const { port, mails } = await smtp({ secure: true });
    const sent = mailerTo(`smtps://ada:secret@127.0.0.1:${port}`).send(mail(), soon());
    await expect(sent).rejects.not.toBeInstanceOf(Undeliverable);
    expect(mails).toEqual([]);
  });

  it('sends nothing in clear if TLS is required', async () => {
    const { port, mails } = await smtp({ authOptional: true, disabledCommands: ['STARTTLS'] });
    const url = `smtp://127.0.0.1:${port}`;
    await expect(mailerTo(`${url}?requireTLS=true`).send(mail(), soon())).rejects.toMatchObject({
      code: 'ETLS',
    });
    expect(mails).toEqual([]);
    await mailerTo(url).send(mail(), soon());
    expect(mails).toEqual(['nobody in clear']);
  });

  it('does not give up a mail because of a wrong password', async () => {
    const { port, mails } = await smtp({ secure: true });
    const url = `smtps://ada:wrong@127.0.0.1:${port}?tls.rejectUnauthorized=false`;
    const sent = mailerTo(url).send(mail(), soon());
    await expect(sent).rejects.toMatchObject({ code: 'EAUTH', responseCode: 535 });
    await expect(sent).rejects.not.toBeInstanceOf(Undeliverable);
    expect(mails).toEqual([]);
  });
});

describe('a refusal', () => {
  const refusing = async (step: 'MAIL FROM' | 'RCPT TO' | 'DATA', code: number, text: string) => {
    const refused = Object.assign(new Error(text), { responseCode: code });
    const { port } = await smtp({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onMailFrom: (_address, _session, done) => done(step === 'MAIL FROM' ? refused : null),
      onRcptTo: (_address, _session, done) => done(step === 'RCPT TO' ? refused : null),
      onData(stream, _session, done) {
        stream.resume().on('end', () => done(step === 'DATA' ? refused : null));
      },
    });
    return mailerTo(`smtp://127.0.0.1:${port}`)
      .send(mail(), soon())
      .then(
        () => undefined,
        (error: unknown) => error,
      );
  };

  it.each([
    ['RCPT TO', 550, '5.1.1 no such user'],
    ['RCPT TO', 550, '5.1.2 no such domain'],
    ['RCPT TO', 556, '5.1.10 this domain takes no mail'],
    ['RCPT TO', 550, '5.2.1 this mailbox is disabled'],
    ['RCPT TO', 550, 'no such user'],
    ['RCPT TO', 553, 'no such name'],
    ['DATA', 550, '5.1.1 no such user'],
  ] as const)('to %s with %i %s is final, since it concerns the recipient', async (step, code, text) => {
    const error = await refusing(step, code, text);
    expect(error).toBeInstanceOf(Undeliverable);
    expect(failureCode(error)).toContain(String(code));
  });

  it.each([
    ['DATA', 550, '5.4.5 daily sending quota exceeded'],
    ['DATA', 554, '5.7.1 looks like spam'],
    ['DATA', 552, '5.3.4 too large'],
    ['DATA', 550, 'not today'],
    ['RCPT TO', 550, '5.7.1 relaying denied'],
    ['RCPT TO', 550, '5.7.26 not authenticated'],
    ['RCPT TO', 550, '5.1.8 bad sender'],
    ['RCPT TO', 552, '5.2.2 mailbox full'],
    ['RCPT TO', 554, 'you are on a block list'],
    ['RCPT TO', 450, '4.1.1 ask again'],
    ['MAIL FROM', 550, '5.1.1 whoever you are'],
    ['MAIL FROM', 553, '5.1.8 who are you'],
  ] as const)(
    'to %s with %i %s is not final, since it concerns the sender or passes',
    async (step, code, text) => {
      const error = await refusing(step, code, text);
      expect(error).toMatchObject({ responseCode: code });
      expect(error).not.toBeInstanceOf(Undeliverable);
    },
  );

  it('is recorded with its enhanced status code, even if the reply has several lines', async () => {
    const error = await refusing('DATA', 550, '5.4.5 daily quota exceeded');
    expect(failureCode(error)).toBe('EMESSAGE 550 5.4.5');
    const response = '550-5.1.1 No such user\n550 5.1.1 Look at the address';
    expect(enhancedStatus({ responseCode: 550, response })).toBe('5.1.1');
  });
});

describe('a server that never finishes its reply', () => {
  it('is given up when the time of a try is over, and its connection is closed', async () => {
    let accepted = 0;
    let closed = 0;
    const port = await tcp((socket) => {
      accepted += 1;
      const drip = setInterval(() => socket.write('220-\r\n'), 20);
      socket.on('close', () => {
        clearInterval(drip);
        closed += 1;
      });
    });
    const mailer = mailerTo(`smtp://127.0.0.1:${port}`);
    const over = new AbortController();
    const sent = [1, 2, 3, 4].map(() => expect(mailer.send(mail(), over.signal)).rejects.toThrow());
    await eventually(() => expect(accepted).toBeGreaterThan(0));
    over.abort();
    await Promise.all(sent);
    await mailer.close();
    await eventually(() => expect(closed).toBe(accepted));
  });

  it('needs bounded memory if it sends an endless line', async () => {
    const chunk = 'x'.repeat(64 * 1024);
    const port = await tcp((socket) => {
      const flood = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', flood);
      flood();
    });
    const before = process.memoryUsage.rss();
    await expect(
      mailerTo(`smtp://127.0.0.1:${port}`).send(mail(), AbortSignal.timeout(1_500)),
    ).rejects.toThrow();
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024);
  });
});
