import { describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { Passwords } from '../src/providers/passwords.js';

describe('Passwords', () => {
  it('uses argon2id with a new salt for each hash', async () => {
    const passwords = await Passwords.create();
    const [one, two] = await Promise.all([passwords.hash('secret words'), passwords.hash('secret words')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await passwords.matches(one, 'secret words')).toBe('matches');
    expect(await passwords.matches(one, 'other words')).toBe('differs');
    expect(await passwords.matches(undefined, 'secret words')).toBe('differs');
  });

  it('treats composed and decomposed characters as the same password', async () => {
    const passwords = await Passwords.create();
    const stored = await passwords.hash('Gru\u0308nkohl im Garten');
    expect(await passwords.matches(stored, 'Gr\u00fcnkohl im Garten')).toBe('matches');
    expect(await passwords.matches(stored, 'Grunkohl im Garten')).toBe('differs');
  });

  it('still accepts a password that was hashed before normalization', async () => {
    const passwords = await Passwords.create();
    const typed = 'Gru\u0308nkohl im Garten';
    const stored = await hash(typed, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    expect(await passwords.matches(stored, typed)).toBe('matches-as-typed');
    expect(await passwords.matches(undefined, typed)).toBe('differs');
  });

  it('takes as long for an account that does not exist', async () => {
    const passwords = await Passwords.create();
    const stored = await passwords.hash('secret words');
    const spent = async (hash: string | undefined, tried: string) => {
      const start = process.cpuUsage();
      for (let i = 0; i < 5; i += 1) await passwords.matches(hash, tried);
      return process.cpuUsage(start).user;
    };
    for (const tried of ['other words', 'other wo\u0308rds'])
      expect(await spent(undefined, tried)).toBeGreaterThan((await spent(stored, tried)) / 3);
  });

  it('refuses work when too much is waiting', async () => {
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
