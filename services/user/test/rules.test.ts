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

describe('the waits between attempts', () => {
  const limits = {
    guessesAtAccountFromNetwork,
    guessesFromNetwork,
    guessesAtAccount,
    resetMails: passwordReset.limit,
    verificationMails: emailVerification.limit,
  };
  it.each(Object.entries(limits))(
    'of %s are zero for free attempts, then double, and never exceed the longest wait',
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

it('no wait for a mail is longer than the lifetime of the previous token', () => {
  for (const { limit, lifetimeMs } of [passwordReset, emailVerification])
    expect(limit.longestWaitMs).toBeLessThanOrEqual(lifetimeMs);
});

describe('a new password', () => {
  it('may be anything that is not easy to guess', () => {
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
  it('are the given ones, and admin for a listed address whose password was set by mail', () => {
    const list = new Set(['a@example.com']);
    expect(rolesOf(person, list)).toEqual(['support', 'admin']);
    expect(rolesOf({ ...person, roles: ['admin'] }, list)).toEqual(['admin']);
    expect(rolesOf({ ...person, passwordByMail: false }, list)).toEqual(['support']);
    expect(rolesOf(person, new Set())).toEqual(['support']);
  });
});

describe('the origin of a session', () => {
  it('is stored as bounded text, whatever the client sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (raw) => {
        const { userAgent } = storedOrigin({ userAgent: raw, address: raw });
        expect(userAgent?.length ?? 0).toBeLessThanOrEqual(256);
        expect(userAgent ?? '').not.toMatch(/[\p{Cc}\p{Cs}]/u);
      }),
    );
  });
});
