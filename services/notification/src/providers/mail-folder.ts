import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { envelope, type Sender } from './envelope.js';
import type { Mailer } from './mailer.js';

const mostMails = 1_000;
/** An unfinished file older than this belongs to a process that crashed. */
const writtenWithinMs = 60_000;
/** The name of a mail that is still being written, or was when its process crashed. */
const unfinished = /^\.\d{4}-\d\d-\d\dT.*-[0-9a-f-]{36}$/;

/**
 * Writes mails as `.eml` files, for machines without a mail server. Only this user can read them, since some contain
 * links that open an account. Keeps the newest `most`, and deletes what a crashed process left unfinished.
 */
export function createMailFolder(folder: string, from: Sender, most = mostMails): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

  /** Names begin with the time, so sorting puts the oldest first. */
  async function prune(): Promise<void> {
    const names = await readdir(folder);
    const mails = names.filter((name) => name.endsWith('.eml')).sort();
    const old = mails.slice(0, Math.max(0, mails.length - most));
    for (const name of names.filter((each) => unfinished.test(each)))
      if (await isAbandoned(name)) old.push(name);
    await Promise.all(old.map((name) => rm(join(folder, name), { force: true })));
  }

  async function isAbandoned(name: string): Promise<boolean> {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    return Date.now() - mtimeMs > writtenWithinMs;
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
