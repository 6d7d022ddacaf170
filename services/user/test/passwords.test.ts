import { describe, expect, it } from '@jest/globals';
import { Passwords } from '../src/security/passwords.js';

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
