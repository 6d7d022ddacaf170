import { describe, expect, it } from '@jest/globals';
import { decideRefresh, refreshGrace } from '../src/domain/refresh.js';
import { Passwords } from '../src/security/passwords.js';

describe('decideRefresh', () => {
  const now = new Date('2026-01-01T12:00:00Z');
  const ago = (ms: number) => new Date(now.getTime() - ms);
  const session = { generation: 5, rotatedAt: ago(1_000), expiresAt: ago(-1_000), revokedAt: null };

  it.each([
    ['rotates the newest', session, 5, 'rotate'],
    ['repeats for the one before, for a moment', session, 4, 'repeat'],
    ['repeats up to the last millisecond', { ...session, rotatedAt: ago(refreshGrace) }, 4, 'repeat'],
    ['takes it for stolen after that', { ...session, rotatedAt: ago(refreshGrace + 1) }, 4, 'reused'],
    ['takes an older one for stolen at once', session, 3, 'reused'],
    ['refuses all of an expired session', { ...session, expiresAt: now }, 5, 'expired'],
    ['refuses all of a revoked session', { ...session, revokedAt: now }, 5, 'revoked'],
  ])('%s', (_, state, generation, decision) => {
    expect(decideRefresh(state, generation, now)).toBe(decision);
  });
});

describe('Passwords', () => {
  it('hashes with argon2id, each time with another salt', async () => {
    const passwords = await Passwords.create();
    const [one, two] = await Promise.all([passwords.hash('secret words'), passwords.hash('secret words')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await passwords.matches(one, 'secret words')).toBe(true);
    expect(await passwords.matches(one, 'other words')).toBe(false);
    expect(await passwords.matches(undefined, 'secret words')).toBe(false);
  });

  it('spends as much on an account that does not exist', async () => {
    const passwords = await Passwords.create();
    const stored = await passwords.hash('secret words');
    const spent = async (hash: string | undefined) => {
      const start = process.cpuUsage();
      for (let i = 0; i < 5; i += 1) await passwords.matches(hash, 'other words');
      return process.cpuUsage(start).user;
    };
    expect(await spent(undefined)).toBeGreaterThan((await spent(stored)) / 3);
  });

  it('refuses work that would wait too long', async () => {
    const passwords = await Passwords.create();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 110 }, () => passwords.hash('secret words')),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(6);
    for (const each of refused)
      expect(each.reason).toMatchObject({ code: 'service-overloaded', temporary: true });
  });
});
