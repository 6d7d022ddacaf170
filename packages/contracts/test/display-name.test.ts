import { describe, expect, it } from '@jest/globals';
import { displayNameFault, presentableName } from '@warren/contracts';

describe('a display name', () => {
  it.each([
    'Ada',
    'Dr. Smith',
    'J.R.R. Tolkien',
    'J. R. R. Tolkien',
    'Jane Doe, Ph.D.',
    'Dipl.-Ing. Grünkohl',
    'Anne-Marie O’Neil',
    'Smith & Sons Ltd.',
    'R2.D2',
    'Nguyễn Thị Ánh',
    'Gru\u0308n',
    '約翰·史密斯',
    '山田太郎',
    'محمد عبد الله',
    'می\u200cخواهم',
    'שרה\u200f',
    'श्री\u200dमती',
    'ശ്രീജന\u0d4d\u200d',
    '👩\u200d👩\u200d👧\u200d👦',
    '👩🏽\u200d🚀',
    '🏳️\u200d🌈',
    '❤️\u200d🔥 Ann',
    '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    '🇩🇪',
    '1️⃣',
    '7',
    '♥',
  ])('may be %j', (name) => {
    expect(displayNameFault(name)).toBeUndefined();
    expect(presentableName(name)).toBe(name);
  });

  it.each([
    ['nothing', ''],
    ['a combining mark alone', '\u0301'],
    ['punctuation alone', '.-!'],
    ['a variation selector alone', '\ufe0f'],
    ['direction marks alone', '\u200e\u200f'],
    ['a blank that is a symbol', '\u2800'],
    ['spaces alone', '\u00a0\u2003'],
  ])('has something to see: not %s', (_, name) => {
    expect(displayNameFault(name)).toBe('invisible');
    expect(presentableName(name)).toBeUndefined();
  });

  it.each([
    ['a zero-width space', '\u200b'],
    ['a filler that counts as a letter', '\u3164'],
    ['a half-width filler', '\uffa0'],
    ['Hangul fillers', '\u115f\u1160'],
    ['joiners alone', '\u200d\u200c'],
    ['a word joiner', 'A\u2060da'],
    ['a byte order mark', '\ufeffAda'],
    ['a soft hyphen', 'A\u00adda'],
    ['a line break', 'Ada\nBcc: eve'],
    ['a line separator', 'Ada\u2028Eve'],
    ['a NUL', 'A\u0000B'],
    ['half a character', 'A\ud800'],
    ['an override', 'Ada \u202egnp.exe'],
    ['an embedding', '\u202bAda'],
    ['an isolate that is never closed', 'Ada \u2067'],
    ['hidden tags', 'Ada\u{e0041}\u{e0064}'],
    ['a joiner without anything to join', 'Ada \u200dEve'],
  ])('does not hold %s', (_, name) => {
    expect(displayNameFault(name)).toBe('text');
    const shown = presentableName(name);
    if (shown !== undefined) expect(displayNameFault(shown)).toBeUndefined();
  });

  it.each([
    'https://evil.example',
    'Your money waits: http://x',
    'Visit evil.example now',
    'evil.example',
    'www.Warren-Refunds.com/claim',
    'claim at bücher.de',
    'пример.рф',
    '例え。テスト',
    '例子｡测试',
    'ｅｖｉｌ．ｃｏｍ',
    'evil․com',
    'evil﹒com',
    'evil.xn--p1ai',
    'https：／／evil',
    'mail ada@evil.example',
    'x.com',
    '192.0.2.7',
  ])('is no link: not %s', (name) => {
    expect(displayNameFault(name)).toBe('link');
    expect(presentableName(name)).toBeUndefined();
  });
});

describe('a name that is older than the rules', () => {
  it('is shown without what it should not hold', () => {
    expect(presentableName(' Ada\r\nLovelace\u202e ')).toBe('Ada Lovelace');
    expect(presentableName('Ada\u200b\u2067')).toBe('Ada');
  });
});
