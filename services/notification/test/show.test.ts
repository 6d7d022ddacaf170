import { describe, expect, it } from '@jest/globals';
import { faultsOf } from '@warren/notification-contract/notices';
import { languages } from '../src/domain/notices/kind.js';
import type { Notice } from '../src/domain/notices/notice.js';
import { ownKinds } from '../src/domain/notices/own-kinds.js';
import { paymentReceived } from '../src/domain/notices/payment-kinds.js';
import { renderNotice } from '../src/domain/notices/render.js';
import { formatTime, languageOf } from '../src/domain/notices/show.js';
import { peopleNamed, unfitValues } from '../src/domain/notices/values.js';

const ada = '01900000-0000-7000-8000-00000000000a';
const people = [{ id: ada, deleted: false, displayName: 'Ada', locale: 'en', timeZone: 'UTC' }];

/** Values that fit any kind. */
const samples: Record<string, string | number> = {
  userId: ada,
  otherUserId: ada,
  paymentId: ada,
  amount: 1250,
  amountRefunded: 500,
  currency: 'EUR',
  what: 'password-reset',
  at: '2026-03-01T12:00:00Z',
  token: 'abcdefghijklmnopqrstuvwxyz',
  expiresAt: '2026-03-01T12:00:00Z',
};

describe.each(ownKinds)('the kind of notice $kind', (kind) => {
  const values = Object.fromEntries(Object.keys(kind.values).map((name) => [name, samples[name] ?? '']));
  const notice: Notice = { userId: ada, eventId: 'event', kind, values };

  it('needs each of its values', () => {
    expect(unfitValues(kind, values)).toEqual([]);
    for (const name of Object.keys(values)) {
      const { [name]: _, ...rest } = values;
      expect(unfitValues(kind, rest)).toContain(name);
    }
  });

  it('has texts that parse and name only its values', () => {
    expect(faultsOf(kind)).toEqual([]);
  });

  it.each(languages)('has every text in %s, within the limits of a notification and a push', (locale) => {
    const { title, body, email, push } = renderNotice(notice, { locale, timeZone: 'UTC' }, people);
    for (const text of [
      title,
      body,
      email.subject,
      ...email.paragraphs,
      email.action,
      push.title,
      push.body,
    ]) {
      expect(text).toMatch(/\S/);
      expect(text).not.toMatch(/undefined|null|NaN|\[object/);
    }
    expect(email.path).toMatch(/^\//);
    expect(Buffer.byteLength(JSON.stringify(push))).toBeLessThan(3_000);
  });

  it('has different texts in different languages', () => {
    const bodies = languages.map((locale) => renderNotice(notice, { locale, timeZone: 'UTC' }, people).body);
    expect(new Set(bodies).size).toBe(languages.length);
  });

  it('lists every person that it names', () => {
    const named = Object.values(kind.values).filter((type) => type === 'person');
    expect(peopleNamed(kind, values)).toHaveLength(named.length);
  });
});

describe('names in notices', () => {
  const readAs = (displayName: string) => {
    const person = { id: ada, deleted: false, displayName, locale: 'en', timeZone: 'UTC' };
    const notice: Notice = { userId: ada, eventId: 'event', kind: paymentReceived, values: samples };
    return (locale: string) => renderNotice(notice, { locale, timeZone: 'UTC' }, [person]);
  };

  it('are quoted outside of the inbox, in the quotes of the language', () => {
    const inEnglish = readAs('Ada')('en');
    expect(inEnglish.body).toBe('You received €12.50 from Ada.');
    expect(inEnglish.email.paragraphs).toEqual(['You received €12.50 from “Ada”.']);
    expect(inEnglish.push.body).toBe('€12.50 from “Ada”');
    expect(readAs('Ada')('de').push.body).toMatch(/von „Ada“$/);
  });

  it('do not reorder the sentence if they are written from right to left', () => {
    const { body, email } = readAs('محمد')('en');
    expect(body).toBe('You received €12.50 from \u2068محمد\u2069.');
    expect(email.paragraphs).toEqual(['You received €12.50 from “\u2068محمد\u2069”.']);
  });

  it('are shortened outside of the inbox, between whole characters', () => {
    const { push, body } = readAs('👩‍👩‍👧‍👦'.repeat(14) + 'e\u0301'.repeat(10) + 'x'.repeat(20))('en');
    expect(push.body).toBe(`€12.50 from “${'👩‍👩‍👧‍👦'.repeat(14)}${'e\u0301'.repeat(10)}${'x'.repeat(15)}…”`);
    expect(body).toContain('x'.repeat(20));
  });

  it.each(['\u200b', 'Claim it at evil.example', 'https://x'])(
    'are replaced where an older build accepted a name such as %j',
    (name) => {
      const { body, email } = readAs(name)('en');
      expect(body).toBe('You received €12.50 from an account without a name.');
      expect(email.paragraphs).toEqual([body]);
    },
  );

  it('lose characters that turn the text or break the line', () => {
    expect(readAs('Ada\u202e\r\nLovelace\u2067')('en').body).toBe('You received €12.50 from Ada Lovelace.');
  });

  it('of any length and alphabet keep texts within their limits', () => {
    const long = [
      {
        ...people[0],
        id: ada,
        deleted: false,
        displayName: '👩‍👩‍👧‍👦'.repeat(100),
        locale: 'en',
        timeZone: 'UTC',
      },
    ];
    for (const kind of ownKinds) {
      const notice: Notice = { userId: ada, eventId: 'event', kind, values: samples };
      const { title, body, push } = renderNotice(notice, { locale: 'de', timeZone: 'UTC' }, long);
      expect([...title].length).toBeLessThanOrEqual(200);
      expect([...body].length).toBeLessThanOrEqual(1_000);
      expect(Buffer.byteLength(JSON.stringify(push))).toBeLessThan(3_993);
      expect(() => encodeURIComponent(body)).not.toThrow();
    }
  });
});

describe('times and languages', () => {
  it.each([
    ['en-US', 'America/New_York', /^March 1, 2026 at 7:00.AM EST$/],
    ['de-DE', 'Europe/Berlin', /^1\. März 2026 um 13:00 MEZ$/],
    ['not a locale', 'Europe/Berlin', /^March 1, 2026 at 1:00.PM GMT\+1$/],
    ['xx', 'UTC', /^March 1, 2026 at 12:00.PM UTC$/],
    ['de', 'Nowhere/Land', /^1\. März 2026 um 12:00 UTC$/],
    ['not a locale', 'Nowhere/Land', /^March 1, 2026 at 12:00.PM UTC$/],
  ])('are shown in locale %s and zone %s', (locale, timeZone, expected) => {
    expect(formatTime('2026-03-01T12:00:00Z', { locale, timeZone })).toMatch(expected);
  });

  it.each([
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE', 'de'],
    ['fr-FR', 'en'],
    ['', 'en'],
    ['deu', 'en'],
  ])('give a reader of locale %s texts in %s', (locale, language) => {
    expect(languageOf(locale)).toBe(language);
  });
});
