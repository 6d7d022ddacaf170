import type { DomainEvent } from '@warren/contracts';
import type { EmailVerificationRequested, PasswordResetRequested } from '@warren/user-contract';
import type { NotificationTx } from '../context.js';
import type { NoticeKind } from '../domain/notices/kind.js';
import { renderNotice, unknownReader } from '../domain/notices/render.js';
import { writeDirectMail } from '../store/deliveries.js';
import { holdPeople } from '../store/user-copies.js';

/**
 * Mails a token to the address that the event names: whoever reads it there proves that the mailbox is theirs. The copy
 * of the user gives only language and time zone, and may be missing. There is no notification, because other devices of
 * the person show the inbox.
 */
export async function mailToken(
  tx: NotificationTx,
  event: DomainEvent<string, PasswordResetRequested | EmailVerificationRequested>,
  kind: NoticeKind,
): Promise<void> {
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
}
