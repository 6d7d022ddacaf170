import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningService } from '@warren/service-kit';
import { AttemptKeys } from '../src/domain/attempt-keys.js';
import { guessesAtAccount, guessesFromNetwork } from '../src/domain/attempts.js';
import { query } from './support/query.js';
import {
  type Call,
  callOf,
  password,
  type Running,
  runUserService,
  type SignedIn,
  startUserService,
} from './support/service.js';

const minute = 60_000;
const attemptKeys = new AttemptKeys();

describe('guessing a password', () => {
  let running: Running;
  let another: RunningService;
  let elsewhere: Call;
  beforeAll(async () => {
    const env = { TRUST_PROXY: 'on' };
    running = await runUserService({ env });
    another = await startUserService(running.database, running.bus, { clock: running.clock, env });
    elsewhere = callOf(another.url);
  });
  afterAll(async () => {
    await another.stop();
    await running.close();
  });

  let names = 0;
  const guess = (email: string, secret = 'a wrong guess', from = '192.0.2.1', call = running.call) =>
    call('POST', '/sessions', { email, password: secret }, undefined, { 'x-forwarded-for': from });
  const failures = async (count: number, one: () => Promise<unknown>) => {
    for (let made = 0; made < count; made += 1) await one();
  };

  it.each(['an account', 'no account'])(
    'of %s must wait after five failures, twice as long each time',
    async (kind) => {
      const email = `guessed${names++}@example.com`;
      if (kind === 'an account') await running.register({ email });
      const statuses: number[] = [];
      await failures(5, async () => statuses.push((await guess(email)).status));
      expect(statuses).toEqual([401, 401, 401, 401, 401]);
      for (const seconds of [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]) {
        const early = await guess(email);
        expect(early).toMatchObject({ status: 429, body: { code: 'rate-limited', temporary: true } });
        const wait = Number(early.headers.get('retry-after'));
        expect(wait).toBeLessThanOrEqual(seconds);
        expect(wait).toBeGreaterThan(seconds - 5);
        running.clock.advance(seconds * 1_000);
        expect((await guess(email)).status).toBe(401);
      }
    },
  );

  it('must wait even with the right password, and a success resets the count', async () => {
    const { email } = (await running.register()).user;
    await failures(5, () => guess(email));
    expect((await guess(email, password)).status).toBe(429);
    running.clock.advance(6_000);
    expect((await guess(email, password)).status).toBe(201);
    await failures(4, () => guess(email));
    expect((await guess(email, password)).status).toBe(201);
  });

  it('is limited over all instances together', async () => {
    const { email } = (await running.register()).user;
    await failures(3, () => guess(email));
    await failures(2, () => guess(email, undefined, undefined, elsewhere));
    expect((await guess(email)).status).toBe(429);
    expect((await guess(email, undefined, undefined, elsewhere)).status).toBe(429);
  });

  it('gets no more attempts by parallel requests', async () => {
    const { email } = (await running.register()).user;
    const calls = Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? running.call : elsewhere));
    const answers = await Promise.all(calls.map((call) => guess(email, undefined, undefined, call)));
    const looked = answers.filter(({ status }) => status === 401);
    expect(looked).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(19);
  });

  it('locks out nobody who signs in from another address', async () => {
    const { email } = (await running.register()).user;
    await failures(20, () => guess(email));
    expect((await guess(email, password, '192.0.2.1')).status).toBe(429);
    expect((await guess(email, password, '198.51.100.9')).status).toBe(201);
  });

  it('from one IPv6 network is counted together, whatever the address', async () => {
    const { email } = (await running.register()).user;
    let host = 0;
    await failures(5, () => guess(email, undefined, `2001:db8:0:1::${++host}`));
    expect((await guess(email, undefined, '2001:db8::1:ffff:0:0:1')).status).toBe(429);
    expect((await guess(email, password, '2001:db8:0:2::1')).status).toBe(201);
  });

  it('from very many addresses is limited as well', async () => {
    const email = `wanted${names++}@example.com`;
    await running.register({ email });
    await guess(email);
    const all = 'UPDATE attempts SET count = $1 WHERE count = 1';
    await query(running.database.url, all, [guessesAtAccount.free]);
    expect((await guess(email, undefined, '203.0.113.50')).status).toBe(401);
    expect((await guess(email, password, '203.0.113.51')).status).toBe(429);
  });

  /** Sets the count as if the guesses had come from very many addresses. */
  const guessedFromAnywhere = (email: string) =>
    query(
      running.database.url,
      `INSERT INTO attempts SELECT $1, 120, $2::timestamptz + interval '15 min', $2::timestamptz + interval '1 h'`,
      [attemptKeys.guessesAtAccount(email), running.clock.now().toISOString()],
    );

  it('from very many addresses delays nobody in a network where the account is signed in', async () => {
    const { email } = (await running.register()).user;
    await guess(email, password, '2001:db8:5:5::1');
    await guessedFromAnywhere(email);
    expect((await guess(email, password, '203.0.113.52')).status).toBe(429);
    expect((await guess(email, 'a wrong guess', '2001:db8:5:5::2')).status).toBe(401);
    expect((await guess(email, password, '2001:db8:5:5::2')).status).toBe(201);
    expect((await guess(email, password, '203.0.113.52')).status).toBe(201);
  });

  it('must wait in a network where the account is no longer signed in', async () => {
    const own = await running.register();
    const { email } = own.user;
    const { body } = await running.call<SignedIn>('POST', '/sessions', { email, password }, undefined, {
      'x-forwarded-for': '203.0.113.60',
    });
    await guessedFromAnywhere(email);
    await running.call('DELETE', '/sessions/current', undefined, body.accessToken);
    expect((await guess(email, password, '203.0.113.60')).status).toBe(429);
  });

  it('from very many addresses at every possible moment delays the owner for an hour at most', async () => {
    const { email } = (await running.register()).user;
    await guessedFromAnywhere(email);
    const longest = 15 * minute + 1_000;
    for (let network = 0; network < 4; network += 1) {
      running.clock.advance(longest);
      expect((await guess(email, 'a wrong guess', `2001:db8:7:${network}::1`)).status).toBe(401);
    }
    expect((await guess(email, password, '203.0.113.53')).status).toBe(201);
  });

  it('is forgotten after a day without an attempt', async () => {
    const email = `forgotten${names++}@example.com`;
    await failures(5, () => guess(email));
    running.clock.advance(24 * 60 * minute + 1_000);
    await failures(4, async () => expect((await guess(email)).status).toBe(401));
    expect((await guess(email)).status).toBe(401);
  });

  it.each([
    ['PUT', '/users/me/password', { currentPassword: 'a wrong guess', newPassword: 'something else' }],
    ['POST', '/users/me/deletion', { password: 'a wrong guess' }],
  ])('by %s %s is counted together with sign-ins', async (method, path, body) => {
    const { user, accessToken } = await running.register();
    const from = { 'x-forwarded-for': '192.0.2.1' };
    await failures(3, () => running.call(method, path, body, accessToken, from));
    await failures(2, () => guess(user.email));
    const early = await running.call(method, path, body, accessToken, from);
    expect(early).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it.each([
    [
      'POST /sessions',
      '/sessions',
      () => ({ email: `sprayed${names++}@example.com`, password: 'a wrong guess' }),
    ],
    [
      'POST /users',
      '/users',
      () => ({ email: `many${names++}@example.com`, password, displayName: 'One of many' }),
    ],
  ])('is limited for one address over all accounts, by %s', async (_, path, body) => {
    const limited = await runUserService({
      env: { SIGN_INS_PER_MINUTE: '3', REGISTRATIONS_PER_MINUTE: '3' },
    });
    try {
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => limited.call('POST', path, body())));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused).toHaveLength(2);
      for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await limited.close();
    }
  });

  it('is limited separately from refreshes, of which one address may try ten times as many', async () => {
    const limited = await runUserService({ env: { SIGN_INS_PER_MINUTE: '1' } });
    try {
      const { refreshToken } = await limited.register();
      const refresh = (token: string) => limited.call('POST', '/sessions/refresh', { refreshToken: token });
      for (let times = 0; times < 9; times += 1) expect((await refresh('rubbish')).status).toBe(401);
      expect((await refresh(refreshToken)).status).toBe(200);
      expect(await refresh(refreshToken)).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    } finally {
      await limited.close();
    }
  });

  const countOf = (key: string, count: number) =>
    query(
      running.database.url,
      `INSERT INTO attempts SELECT $1, $2, $3::timestamptz, $3::timestamptz + interval '1 h'
      ON CONFLICT (key) DO UPDATE SET count = excluded.count`,
      [key, count, running.clock.now().toISOString()],
    );

  it('at any number of accounts is limited for one network, except for accounts that are signed in there', async () => {
    const [at, other] = ['198.51.100.200', '198.51.100.201'];
    const { email } = (await running.register()).user;
    expect((await guess(email, password, at)).status).toBe(201);
    await countOf(attemptKeys.guessesFromNetwork(at), guessesFromNetwork.free);
    const before = await query(running.database.url, 'SELECT key FROM attempts');
    expect((await guess(`madeup${names++}@example.com`, undefined, at)).status).toBe(401);
    const refused = await guess(`madeup${names++}@example.com`, undefined, at);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_500);
    expect(await query(running.database.url, 'SELECT key FROM attempts')).toHaveLength(before.length + 2);
    expect((await guess(email, password, at)).status).toBe(201);
    expect((await guess(`madeup${names++}@example.com`, undefined, other)).status).toBe(401);
    running.clock.advance(60 * minute + 1_000);
    expect((await guess(`madeup${names++}@example.com`, undefined, at)).status).toBe(401);
  });

  it('does not count right passwords', async () => {
    const { email } = (await running.register()).user;
    const at = '198.51.100.210';
    for (let times = 0; times < 3; times += 1) await guess(email, password, at);
    const [row] = await query(running.database.url, 'SELECT count FROM attempts WHERE key = $1', [
      attemptKeys.guessesFromNetwork(at),
    ]);
    expect(row).toEqual({ count: 0 });
  });

  it('cannot be matched to an account by its count without the secret', async () => {
    const [plain, secret] = [new AttemptKeys(), new AttemptKeys('s'.repeat(32))];
    expect(new Set([plain, secret].map((keys) => keys.guessesAtAccount('a@example.com'))).size).toBe(2);
    const safe = await runUserService({ env: { SIGNING_KEY_SECRET: 's'.repeat(32) } });
    try {
      const email = 'told@example.com';
      await safe.call('POST', '/sessions', { email, password: 'a wrong guess' });
      const keys = (await query(safe.database.url, 'SELECT key FROM attempts')).map(({ key }) => key);
      expect(keys).toContain(secret.guessesAtAccount(email));
      expect(keys).not.toContain(plain.guessesAtAccount(email));
    } finally {
      await safe.close();
    }
  });

  it('leaves nothing in the database that names the account or the address', async () => {
    await guess('hidden@example.com', undefined, '192.0.2.200');
    const rows = await query(running.database.url, 'SELECT * FROM attempts');
    expect(JSON.stringify(rows)).not.toMatch(/hidden|192\.0\.2/);
  });
});
