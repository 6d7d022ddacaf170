import { describe, expect, it } from '@jest/globals';
import { compileReader } from '@warren/contracts/validation';
import { languages, noticeKinds, paymentReceived } from '@warren/notification-contract';
import type { Notice } from '../src/domain/notices.js';
import { renderNotice } from '../src/domain/render.js';
import { retryDelay, worthTellingMs } from '../src/domain/retries.js';
import { formatTime, languageOf, peopleNamed } from '../src/domain/show.js';

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

describe.each(noticeKinds)('$kind', (kind) => {
  const values = Object.fromEntries(
    Object.keys(kind.values.properties).map((name) => [name, samples[name] ?? '']),
  );
  const notice: Notice = { userId: ada, eventId: 'event', kind, values };

  it('takes exactly its values', () => {
    const check = compileReader(kind.values);
    expect(check(values)).toMatchObject({ ok: true });
    for (const name of Object.keys(values)) {
      const { [name]: _, ...rest } = values;
      expect(check(rest)).toMatchObject({ ok: false });
    }
  });

  it.each(languages)('speaks %s to the end, within the bounds of a notification and a push', (locale) => {
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

  it('says different things in different languages', () => {
    const bodies = languages.map((locale) => renderNotice(notice, { locale, timeZone: 'UTC' }, people).body);
    expect(new Set(bodies).size).toBe(languages.length);
  });

  it('names only people whose copies are held', () => {
    const named = Object.entries(kind.values.properties).filter(
      ([, schema]) => 'as' in schema && schema.as === 'person',
    );
    expect(peopleNamed(kind, values)).toHaveLength(named.length);
  });
});

describe('names', () => {
  const called = (displayName: string) => {
    const person = { id: ada, deleted: false, displayName, locale: 'en', timeZone: 'UTC' };
    const notice: Notice = { userId: ada, eventId: 'event', kind: paymentReceived, values: samples };
    return (locale: string) => renderNotice(notice, { locale, timeZone: 'UTC' }, [person]);
  };

  it('are set apart where they leave the inbox, in the quotes of the language', () => {
    const inEnglish = called('Ada')('en');
    expect(inEnglish.body).toBe('You received €12.50 from Ada.');
    expect(inEnglish.email.paragraphs).toEqual(['You received €12.50 from “Ada”.']);
    expect(inEnglish.push.body).toBe('€12.50 from “Ada”');
    expect(called('Ada')('de').push.body).toMatch(/von „Ada“$/);
  });

  it('that are written from right to left don’t reorder the sentence around them', () => {
    const { body, email } = called('محمد')('en');
    expect(body).toBe('You received €12.50 from \u2068محمد\u2069.');
    expect(email.paragraphs).toEqual(['You received €12.50 from “\u2068محمد\u2069”.']);
  });

  it('are short where they leave the inbox, and no character is cut in half', () => {
    const { push, body } = called('👩‍👩‍👧‍👦'.repeat(14) + 'e\u0301'.repeat(10) + 'x'.repeat(20))('en');
    expect(push.body).toBe(`€12.50 from “${'👩‍👩‍👧‍👦'.repeat(14)}${'e\u0301'.repeat(10)}${'x'.repeat(15)}…”`);
    expect(body).toContain('x'.repeat(20));
  });

  it.each(['\u200b', 'Claim it at evil.example', 'https://x'])(
    'that older builds took, such as %j, stand in no text',
    (name) => {
      const { body, email } = called(name)('en');
      expect(body).toBe('You received €12.50 from an account without a name.');
      expect(email.paragraphs).toEqual([body]);
    },
  );

  it('that older builds took lose what turns the text or breaks its line', () => {
    expect(called('Ada\u202e\r\nLovelace\u2067')('en').body).toBe('You received €12.50 from Ada Lovelace.');
  });

  it('of any length and alphabet fit what holds them', () => {
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
    for (const kind of noticeKinds) {
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
  ])('%s in %s', (locale, timeZone, expected) => {
    expect(formatTime('2026-03-01T12:00:00Z', { locale, timeZone })).toMatch(expected);
  });

  it.each([
    ['de', 'de'],
    ['de-AT', 'de'],
    ['DE', 'de'],
    ['fr-FR', 'en'],
    ['', 'en'],
    ['deu', 'en'],
  ])('%s reads %s', (locale, language) => {
    expect(languageOf(locale)).toBe(language);
  });
});

describe('tries', () => {
  it('come less and less often, and end', () => {
    const now = new Date();
    const giveUpAt = new Date(now.getTime() + worthTellingMs);
    const delays = [1, 2, 3, 10, 11, 50].map((attempts) => retryDelay(attempts, { now, giveUpAt }, 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000]);
    expect(retryDelay(1, { now, giveUpAt }, 1)).toBe(4_000);
    expect(retryDelay(100, { now, giveUpAt })).toBeUndefined();
    expect(retryDelay(1, { now, giveUpAt: new Date(now.getTime() + 3_000) })).toBeUndefined();
  });

  it('of what somebody waits for come each minute, or as often as the tries last for its time', () => {
    const now = new Date();
    const until = (minutes: number) => ({
      now,
      giveUpAt: new Date(now.getTime() + minutes * 60_000),
      isAwaited: true,
    });
    const delays = [1, 2, 3, 10, 90].map((attempts) => retryDelay(attempts, until(30), 0));
    expect(delays).toEqual([5_000, 10_000, 20_000, 60_000, 180_000]);
    expect(retryDelay(20, until(24 * 60), 0)).toBe((24 * 3_600_000) / 80);
  });

  it.each([30, 24 * 60])('of what is good for %i minutes don’t end much before it', (minutes) => {
    const start = Date.now();
    const giveUpAt = new Date(start + minutes * 60_000);
    let at = start;
    for (let attempts = 1; ; attempts += 1) {
      const delay = retryDelay(attempts, { now: new Date(at), giveUpAt, isAwaited: true });
      if (delay === undefined) break;
      at += delay;
    }
    expect(at).toBeGreaterThan(start + 0.9 * minutes * 60_000);
  });
});
