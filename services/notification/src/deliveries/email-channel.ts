import type { MailContent } from '../domain/render.js';
import { Undeliverable } from '../providers/failures.js';
import type { Mailer } from '../providers/mailer.js';
import { concurrency } from '../providers/open.js';
import type { Channel } from './channel.js';
import { composeMail } from './compose-mail.js';

/** Mails, with links into the web app at `webUrl`. Whoever registered with somebody else's address sends them none. */
export function emailChannel(mailer: Mailer, webUrl: string): Channel {
  return {
    name: 'email',
    concurrency: concurrency.email,
    async send({ id, address, mayMail, content, createdAt: date }, signal) {
      // It comes with a copy of the person that has one.
      if (address === null || mayMail === null)
        throw Object.assign(new Error('the address is not known yet'), { code: 'no-address' });
      if (!mayMail) throw new Undeliverable('unverified');
      await mailer.send({ id, to: address, date, ...composeMail(content as MailContent, webUrl) }, signal);
    },
    close: () => mailer.close(),
  };
}
