import { describe, expect, it } from '@jest/globals';
import type { PaymentState } from '@warren/payment-contract';
import { emailVerification, passwordReset } from '../src/domain/notices/account-kinds.js';
import type { NoticeKind } from '../src/domain/notices/kind.js';
import { type PaymentEventType, paymentNotices, welcomeNotice } from '../src/domain/notices/notice.js';
import { paymentSent } from '../src/domain/notices/payment-kinds.js';
import { renderNotice, renderNotices } from '../src/domain/notices/render.js';
import { type Person, UnknownPersonError } from '../src/domain/people.js';
import { reactions } from '../src/events/reactions.js';

const [ada, grace] = ['01900000-0000-7000-8000-00000000000a', '01900000-0000-7000-8000-00000000000b'];

const payment: PaymentState = {
  id: '01900000-0000-7000-8000-000000000001',
  payerId: ada,
  recipientId: grace,
  amount: 1250,
  currency: 'EUR',
  amountRefunded: 0,
  status: 'succeeded',
  description: null,
  version: 2,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};

function person(id: string, displayName: string, locale = 'en'): Person {
  return { id, deleted: false, displayName, locale, timeZone: 'UTC' };
}

const erased = (id: string): Person => ({
  id,
  deleted: true,
  displayName: null,
  locale: null,
  timeZone: null,
});

function notices(type: PaymentEventType, people: readonly Person[], changes: Partial<PaymentState> = {}) {
  const written = renderNotices(paymentNotices({ id: 'event', type }, { ...payment, ...changes }), people);
  return written.map(({ notice: { userId, kind }, body }) => ({ userId, kind: kind.kind, body }));
}

const both = [person(ada, 'Ada'), person(grace, 'Grace')];

describe('notices of a payment', () => {
  it('tell both people of a payment that succeeded', () => {
    expect(notices('payment.succeeded', both)).toEqual([
      { userId: ada, kind: 'payment-sent', body: 'You paid €12.50 to Grace.' },
      { userId: grace, kind: 'payment-received', body: 'You received €12.50 from Ada.' },
    ]);
  });

  it.each<[PaymentEventType, string, string]>([
    ['payment.failed', 'payment-failed', 'Your payment of €12.50 to Grace failed. No money was moved.'],
    [
      'payment.requires-action',
      'payment-action-required',
      'Your payment of €12.50 to Grace waits for your confirmation.',
    ],
  ])('tell only the payer of %s', (type, kind, body) => {
    expect(notices(type, both)).toEqual([{ userId: ada, kind, body }]);
  });

  it('show the amount as the reader writes money, with the decimals of its currency', () => {
    const people = [person(ada, 'Ada', 'fr-FR'), person(grace, 'Grace', 'en-GB')];
    const bodies = notices('payment.succeeded', people, { amount: 1234567 }).map(({ body }) => body);
    expect(bodies).toEqual(['You paid 12\u202f345,67\u00a0€ to Grace.', 'You received €12,345.67 from Ada.']);
    const yen = notices('payment.failed', both, { currency: 'JPY' }).map(({ body }) => body);
    expect(yen).toEqual([expect.stringContaining('¥1,250 ')]);
    const dinar = notices('payment.failed', both, { currency: 'KWD' }).map(({ body }) => body);
    expect(dinar).toEqual([expect.stringMatching(/KWD.1\.250 /)]);
  });

  it('keep people in their data by id only, so that erasure has less to find', () => {
    const [sent] = paymentNotices({ id: 'event', type: 'payment.succeeded' }, payment);
    expect(sent).toEqual({
      eventId: 'event',
      userId: ada,
      kind: paymentSent,
      values: { paymentId: payment.id, amount: 1250, currency: 'EUR', otherUserId: grace },
    });
  });

  it('are not written for a deleted person, whom the other person’s notice does not name', () => {
    expect(notices('payment.succeeded', [person(ada, 'Ada'), erased(grace)])).toEqual([
      { userId: ada, kind: 'payment-sent', body: 'You paid €12.50 to a deleted account.' },
    ]);
    expect(notices('payment.failed', [erased(ada), person(grace, 'Grace')])).toEqual([]);
  });

  it('wait for the copy of a person whom they name', () => {
    expect(() => notices('payment.succeeded', [person(ada, 'Ada')])).toThrow(UnknownPersonError);
  });

  it.each(reactions.filter(({ type }) => type.startsWith('payment.')))(
    'lock both people of $type, since they read the copies of both',
    ({ users }) => expect(users?.({ data: payment } as never)).toEqual([ada, grace]),
  );
});

describe('the welcome', () => {
  it('waits for the copy of the person and greets them by name', () => {
    const [welcome] = renderNotices([welcomeNotice({ id: 'event' }, ada)], both);
    expect(welcome).toMatchObject({
      notice: { userId: ada },
      body: 'Hello Ada, your account is ready.',
    });
    expect(() => renderNotices([welcomeNotice({ id: 'event' }, ada)], [])).toThrow(UnknownPersonError);
  });

  it('is not written for a deleted person', () => {
    expect(renderNotices([welcomeNotice({ id: 'event' }, ada)], [erased(ada)])).toEqual([]);
  });
});

describe('a mailed token', () => {
  const values = { token: 'x'.repeat(20), expiresAt: '2026-01-01T00:00:00.000Z' };
  const bodyOf = (kind: NoticeKind, locale: string) =>
    renderNotice({ userId: ada, eventId: 'event', kind, values }, { locale, timeZone: 'UTC' }, []).body;

  it.each([
    [emailVerification, 'en', /If it wasn’t you, do nothing, or .* asking for a new password/],
    [emailVerification, 'de', /Warst du das nicht, tu nichts, oder .* ein neues Passwort anforderst/],
    [passwordReset, 'en', /If it wasn’t you, ignore this mail/],
    [passwordReset, 'de', /Warst du das nicht, ignoriere diese Mail/],
  ] as const)('tells a recipient who requested nothing what to do', (kind, locale, advice) => {
    expect(bodyOf(kind, locale)).toMatch(advice);
  });
});
