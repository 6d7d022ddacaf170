import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  guessesFromAnywhere,
  guessesFromOneAddress,
  guessesFromOneNetwork,
  waitAfter,
  waits,
} from '../src/domain/attempts.js';
import { checkNewPassword } from '../src/domain/password.js';
import { rolesOf } from '../src/domain/roles.js';
import { checkClient } from '../src/domain/sessions.js';
import { emailVerification, passwordReset } from '../src/operations/mail-tokens.js';

describe('waits between tries', () => {
  const slowDowns = {
    guessesFromOneAddress,
    guessesFromOneNetwork,
    guessesFromAnywhere,
    resetMails: passwordReset.slowDown,
    verificationMails: emailVerification.slowDown,
  };
  it.each(Object.entries(slowDowns))(
    'of %s are none while free, then double, and never pass the longest',
    (_, slowDown) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 1_000_000 }), (count) => {
          const [wait, next] = [waitAfter(count, slowDown), waitAfter(count + 1, slowDown)];
          expect(wait === 0).toBe(count <= slowDown.free);
          expect(next).toBe(
            wait === 0 && count < slowDown.free
              ? 0
              : Math.min(wait * 2 || slowDown.firstWait, slowDown.longestWait),
          );
        }),
      );
      expect(waits(slowDown).at(-1)).toBe(slowDown.longestWait);
      expect(waits(slowDown)[0]).toBe(slowDown.firstWait);
    },
  );
});

it('no mail is waited for longer than the token before it is good', () => {
  for (const { slowDown, goodFor } of [passwordReset, emailVerification])
    expect(slowDown.longestWait).toBeLessThanOrEqual(goodFor);
});

describe('a new password', () => {
  it('may be anything that isn’t guessed first', () => {
    for (const good of [
      'correct horse',
      'пароль от почты',
      '🦊🦊🦊🦊🦊🦊🦊🐇',
      'password of ann@example.com',
    ]) {
      expect(() => checkNewPassword(good, 'ann@example.com', '/password')).not.toThrow();
    }
  });
});

describe('roles', () => {
  const person = { email: 'a@example.com', passwordByMail: true, roles: ['support'] };
  it('are those given, and admin once for an address on the list whose mailbox set the password', () => {
    const list = new Set(['a@example.com']);
    expect(rolesOf(person, list)).toEqual(['support', 'admin']);
    expect(rolesOf({ ...person, roles: ['admin'] }, list)).toEqual(['admin']);
    expect(rolesOf({ ...person, passwordByMail: false }, list)).toEqual(['support']);
    expect(rolesOf(person, new Set())).toEqual(['support']);
  });
});

describe('where a client comes from', () => {
  it('is stored as bounded text, whatever it sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (raw) => {
        const { userAgent } = checkClient({ userAgent: raw, address: raw });
        expect(userAgent?.length ?? 0).toBeLessThanOrEqual(256);
        expect(userAgent ?? '').not.toMatch(/[\p{Cc}\p{Cs}]/u);
      }),
    );
  });
});
