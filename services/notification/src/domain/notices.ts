import type { PaymentState } from '@warren/contracts';
import { type PaymentKind, paymentText, type Text, welcomeText } from './templates.js';

/** A notification that is to be written, unique by (`eventId`, `userId`, `kind`). */
export interface Notice extends Text {
  userId: string;
  eventId: string;
  kind: string;
  data: Record<string, unknown>;
}

/** A person as this service's copy knows them; a deleted one has no name, locale or zone any more. */
export interface Person {
  id: string;
  deleted: boolean;
  displayName: string | null;
  locale: string | null;
}

/** Somebody's copy isn't here yet. Temporary: their `user.registered` is on its way. */
export class UnknownPersonError extends Error {
  override readonly name = 'UnknownPersonError';

  constructor(userId: string) {
    super(`There is no copy of user ${userId} yet`);
  }
}

/** Who is told what of a payment's event. */
export interface PaymentNews {
  kind: PaymentKind;
  reader: 'payer' | 'recipient';
}

const paymentNews: Readonly<Record<string, readonly PaymentNews[]>> = {
  'payment.succeeded': [
    { kind: 'payment-sent', reader: 'payer' },
    { kind: 'payment-received', reader: 'recipient' },
  ],
  'payment.failed': [{ kind: 'payment-failed', reader: 'payer' }],
  'payment.requires-action': [{ kind: 'payment-action-required', reader: 'payer' }],
};

/** Event types of which people are told. */
export const paymentEventTypes: readonly string[] = Object.keys(paymentNews);

/**
 * What to write for a payment's event; nothing for a reader who has deleted their account.
 *
 * @throws UnknownPersonError if one of the two has no copy yet
 */
export function paymentNotices(
  event: { id: string; type: string },
  payment: PaymentState,
  people: readonly Person[],
): Notice[] {
  const payer = known(people, payment.payerId);
  const recipient = known(people, payment.recipientId);
  return newsOf(event.type).flatMap(({ kind, reader: role }) => {
    const [reader, other] = role === 'payer' ? [payer, recipient] : [recipient, payer];
    if (reader.deleted) return [];
    const text = paymentText(kind, payment, reader.locale ?? 'en', other.displayName);
    const { id: paymentId, amount, currency } = payment;
    const data = { paymentId, amount, currency, otherUserId: other.id };
    return [{ ...text, userId: reader.id, eventId: event.id, kind, data }];
  });
}

/** @throws UnknownPersonError if there is no copy yet */
export function welcomeNotices(event: { id: string }, userId: string, people: readonly Person[]): Notice[] {
  const person = known(people, userId);
  if (person.deleted || person.displayName === null) return [];
  return [{ ...welcomeText(person.displayName), userId, eventId: event.id, kind: 'welcome', data: {} }];
}

function newsOf(type: string): readonly PaymentNews[] {
  return paymentNews[type] ?? [];
}

function known(people: readonly Person[], id: string): Person {
  const person = people.find((candidate) => candidate.id === id);
  if (person === undefined) throw new UnknownPersonError(id);
  return person;
}
