import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  guessesAtAccount,
  guessesAtAccountFromNetwork,
  guessesFromNetwork,
  waitAfter,
  waits,
} from '../src/domain/attempts.js';
import { emailVerification, passwordReset } from '../src/domain/mailed-tokens.js';
import { checkNewPassword } from '../src/domain/password.js';
import { rolesOf } from '../src/domain/roles.js';
import { storedOrigin } from '../src/domain/sessions.js';

describe('waits between tries', () => {
  const limits = {
    guessesAtAccountFromNetwork,
    guessesFromNetwork,
    guessesAtAccount,
    resetMails: passwordReset.limit,
    verificationMails: emailVerification.limit,
  };
  it.each(Object.entries(limits))(
    'of %s are none while free, then double, and never pass the longest',
    (_, limit) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 1_000_000 }), (count) => {
          const [wait, next] = [waitAfter(count, limit), waitAfter(count + 1, limit)];
          expect(wait === 0).toBe(count <= limit.free);
          expect(next).toBe(
            wait === 0 && count < limit.free
              ? 0
              : Math.min(wait * 2 || limit.firstWaitMs, limit.longestWaitMs),
          );
        }),
      );
      expect(waits(limit).at(-1)).toBe(limit.longestWaitMs);
      expect(waits(limit)[0]).toBe(limit.firstWaitMs);
    },
  );
});

it('no mail is waited for longer than the token before it is good', () => {
  for (const { limit, lifetimeMs } of [passwordReset, emailVerification])
    expect(limit.longestWaitMs).toBeLessThanOrEqual(lifetimeMs);
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
        const { userAgent } = storedOrigin({ userAgent: raw, address: raw });
        expect(userAgent?.length ?? 0).toBeLessThanOrEqual(256);
        expect(userAgent ?? '').not.toMatch(/[\p{Cc}\p{Cs}]/u);
      }),
    );
  });
});
