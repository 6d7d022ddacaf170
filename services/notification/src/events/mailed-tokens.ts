import { emailVerification, type NoticeKind, passwordReset } from '@warren/notification-contract';
import { react } from '@warren/service-kit';
import type { EventHandler } from '@warren/unit-of-work';
import { userContract } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import { renderNotice, unknownReader } from '../domain/render.js';
import { writeDirectMail } from '../store/deliveries.js';
import { holdPeople } from '../store/user-copies.js';

/**
 * Mails that prove who reads them: to the address in the event, whatever the copy says, and also where that isn't here
 * yet. Nothing of them is in the inbox, which other devices show.
 */
function mailedToken(
  type: 'user.password-reset-requested' | 'user.email-verification-requested',
  kind: NoticeKind,
): EventHandler<NotificationTx> {
  return react(userContract, type, {
    users: ({ data }) => [data.userId],
    async handle(tx: NotificationTx, event) {
      const { userId, email: address, token, expiresAt } = event.data;
      const people = await holdPeople(tx, [userId]);
      const [person] = people;
      if (person?.deleted) return;
      const reader = {
        locale: person?.locale ?? unknownReader.locale,
        timeZone: person?.timeZone ?? unknownReader.timeZone,
      };
      const notice = { userId, eventId: event.id, kind, values: { token, expiresAt } };
      const { email: content } = renderNotice(notice, reader, people);
      const mail = { userId, eventId: event.id, kind: kind.kind, address, content };
      await writeDirectMail(tx, mail, { at: new Date(), giveUpAt: new Date(expiresAt) });
    },
  });
}

export const mailedTokens: EventHandler<NotificationTx>[] = [
  mailedToken('user.password-reset-requested', passwordReset),
  mailedToken('user.email-verification-requested', emailVerification),
];
