import type { MailContent } from '../domain/render.js';
import type { Mailer } from '../providers/mailer.js';
import { concurrency } from '../providers/open.js';
import type { Channel } from './channel.js';
import { composeMail } from './compose-mail.js';

/** Mails, with links into the web app at `webUrl`. */
export function emailChannel(mailer: Mailer, webUrl: string): Channel {
  return {
    name: 'email',
    concurrency: concurrency.email,
    async send({ id, address, content, createdAt: date }, signal) {
      // It comes with a copy of the person that has one.
      if (address === null)
        throw Object.assign(new Error('the address is not known yet'), { code: 'no-address' });
      await mailer.send({ id, to: address, date, ...composeMail(content as MailContent, webUrl) }, signal);
    },
    close: () => mailer.close(),
  };
}
