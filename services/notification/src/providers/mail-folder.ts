import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { envelope, type Sender } from './envelope.js';
import type { Mailer } from './mailer.js';

const mostMails = 1_000;

/**
 * Writes mails as `.eml` files, for machines without a mail server. Only this user can read them: some hold links that
 * open an account. The newest stay.
 */
export function createMailFolder(folder: string, from: Sender, most = mostMails): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

  /** Names begin with the time, so that the oldest come first. */
  async function prune(): Promise<void> {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
    await Promise.all(
      names.slice(0, Math.max(0, names.length - most)).map((name) => rm(join(folder, name), { force: true })),
    );
  }

  return {
    async send(mail) {
      const { message } = await transport.sendMail(envelope(mail, from));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const name = `${mail.date.toISOString().replaceAll(/[:.]/g, '-')}-${mail.id}`;
      const aside = join(folder, `.${name}`);
      await writeFile(aside, message as Buffer, { mode: 0o600 });
      await rename(aside, join(folder, `${name}.eml`));
      await prune();
    },
    async close() {
      transport.close();
    },
  };
}
