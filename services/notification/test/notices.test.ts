import { describe, expect, it } from '@jest/globals';
import {
  emailVerification,
  type NoticeKind,
  passwordReset,
  paymentSent,
} from '@warren/notification-contract';
import type { PaymentState } from '@warren/payment-contract';
import { type PaymentEventType, paymentNotices, welcomeNotice } from '../src/domain/notices.js';
import { type Person, UnknownPersonError } from '../src/domain/people.js';
import { renderNotice, renderNotices } from '../src/domain/render.js';
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

describe('what people are told of a payment', () => {
  it('succeeded: each of the two hears of the other', () => {
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
  ])('%s: only the payer', (type, kind, body) => {
    expect(notices(type, both)).toEqual([{ userId: ada, kind, body }]);
  });

  it('the amount is in its own minor units, written as the reader writes money', () => {
    const people = [person(ada, 'Ada', 'fr-FR'), person(grace, 'Grace', 'en-GB')];
    const bodies = notices('payment.succeeded', people, { amount: 1234567 }).map(({ body }) => body);
    expect(bodies).toEqual(['You paid 12\u202f345,67\u00a0€ to Grace.', 'You received €12,345.67 from Ada.']);
    const yen = notices('payment.failed', both, { currency: 'JPY' }).map(({ body }) => body);
    expect(yen).toEqual([expect.stringContaining('¥1,250 ')]);
    const dinar = notices('payment.failed', both, { currency: 'KWD' }).map(({ body }) => body);
    expect(dinar).toEqual([expect.stringMatching(/KWD.1\.250 /)]);
  });

  it('names lie in data as ids only, so that erasure has less to find', () => {
    const [sent] = paymentNotices({ id: 'event', type: 'payment.succeeded' }, payment);
    expect(sent).toEqual({
      eventId: 'event',
      userId: ada,
      kind: paymentSent,
      values: { paymentId: payment.id, amount: 1250, currency: 'EUR', otherUserId: grace },
    });
  });

  it('nothing is written for a deleted person; the other one is told without a name', () => {
    expect(notices('payment.succeeded', [person(ada, 'Ada'), erased(grace)])).toEqual([
      { userId: ada, kind: 'payment-sent', body: 'You paid €12.50 to a deleted account.' },
    ]);
    expect(notices('payment.failed', [erased(ada), person(grace, 'Grace')])).toEqual([]);
  });

  it('waits for a name that has not come yet', () => {
    expect(() => notices('payment.succeeded', [person(ada, 'Ada')])).toThrow(UnknownPersonError);
  });

  it.each(reactions.filter(({ type }) => type.startsWith('payment.')))(
    '$type: both people are locked, since the copies of both are held',
    ({ users }) => expect(users?.({ data: payment } as never)).toEqual([ada, grace]),
  );
});

describe('the welcome', () => {
  it('greets by name, once known', () => {
    const [welcome] = renderNotices([welcomeNotice({ id: 'event' }, ada)], both);
    expect(welcome).toMatchObject({
      notice: { userId: ada },
      body: 'Hello Ada, your account is ready.',
    });
    expect(() => renderNotices([welcomeNotice({ id: 'event' }, ada)], [])).toThrow(UnknownPersonError);
  });

  it('greets nobody who is gone', () => {
    expect(renderNotices([welcomeNotice({ id: 'event' }, ada)], [erased(ada)])).toEqual([]);
  });
});

describe('a mailed token', () => {
  const values = { token: 'x'.repeat(20), expiresAt: '2026-01-01T00:00:00.000Z' };
  const said = (kind: NoticeKind, locale: string) =>
    renderNotice({ userId: ada, eventId: 'event', kind, values }, { locale, timeZone: 'UTC' }, []).body;

  it.each([
    [emailVerification, 'en', /If it wasn’t you, do nothing, or .* asking for a new password/],
    [emailVerification, 'de', /Warst du das nicht, tu nichts, oder .* ein neues Passwort anforderst/],
    [passwordReset, 'en', /If it wasn’t you, ignore this mail/],
    [passwordReset, 'de', /Warst du das nicht, ignoriere diese Mail/],
  ] as const)('tells whoever asked for nothing what to do', (kind, locale, advice) => {
    expect(said(kind, locale)).toMatch(advice);
  });
});
