import type { DomainEvent } from '@warren/contracts';
import { emailVerification, type NoticeKind, passwordReset } from '@warren/notification-contract';
import type { EventHandler } from '@warren/unit-of-work';
import type { PasswordResetRequested } from '@warren/user-contract';
import { renderNotice, unknownReader } from '../domain/render.js';
import type { NotificationDb } from '../store/database.js';
import { writeDirectMail } from '../store/deliveries.js';
import { holdPeople } from '../store/user-copies.js';

/** Both events are of this shape. */
const requestOf = ({ data }: DomainEvent) => data as PasswordResetRequested;

/**
 * Mails that prove who reads them: to the address in the event, whatever the copy says, and also where that isn't here
 * yet. Nothing of them is in the inbox, which other devices show.
 */
function mailedToken(type: string, kind: NoticeKind): EventHandler<NotificationDb> {
  return {
    kind: 'react',
    type,
    users: (event) => [requestOf(event).userId],
    async handle(tx, event) {
      const { userId, email: address, token, expiresAt } = requestOf(event);
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
  };
}

export const mailedTokens: EventHandler<NotificationDb>[] = [
  mailedToken('user.password-reset-requested', passwordReset),
  mailedToken('user.email-verification-requested', emailVerification),
];
