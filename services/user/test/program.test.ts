import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { faultProxy, type TestBroker, type TestDatabase, testBroker, testDatabase } from '@warren/testing';
import { query } from './support/query.js';

// Each test starts whole processes, on a machine that may be busy with other tests.
jest.setTimeout(120_000);

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Tests the built program as it is deployed: its environment, signals and exit codes. */
describe('node dist/main.js', () => {
  let database: TestDatabase;
  let broker: TestBroker;
  const running = new Set<ReturnType<typeof spawn>>();

  beforeAll(async () => {
    if (!existsSync(program)) throw new Error(`${program} is not built; run the build first`);
    [database, broker] = await Promise.all([testDatabase(), testBroker()]);
  });
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await broker.close();
    await database.close();
  });

  function run(env: Record<string, string>, args: string[] = []) {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    running.add(child);
    const output = { stdout: '', stderr: '' };
    let told = () => {};
    child.stdout.on('data', (chunk) => {
      output.stdout += chunk;
      told();
    });
    child.stderr.on('data', (chunk) => {
      output.stderr += chunk;
    });
    const exit = new Promise<number | null>((resolve) => {
      child.on('close', (code) => {
        running.delete(child);
        resolve(code);
      });
    });
    const says = (text: string) =>
      new Promise<void>((resolve, reject) => {
        told = () => output.stdout.includes(text) && resolve();
        void exit.then(() =>
          reject(new Error(`ended without saying ${text}: ${output.stdout}${output.stderr}`)),
        );
        told();
      });
    return { child, output, exit, says };
  }

  const environment = () => ({
    DATABASE_URL: database.url,
    AMQP_URL: broker.url,
    PORT: '0',
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '0',
  });

  it('waits with --migrate-only for a database that is not up yet, and says so', async () => {
    const target = new URL(database.url);
    const proxy = await faultProxy({ host: target.hostname, port: Number(target.port || 5432) });
    try {
      proxy.refuse();
      target.host = `127.0.0.1:${proxy.port}`;
      const { says, exit } = run({ ...environment(), DATABASE_URL: target.href }, ['--migrate-only']);
      await says('the database cannot be reached yet; waiting ');
      proxy.resume();
      await says('the database is up to date');
      expect(await exit).toBe(0);
    } finally {
      await proxy.close();
    }
  });

  it('prints one line for each wrong value and exits with 1', async () => {
    const { output, exit } = run({ PORT: 'eighty', AMQP_URL: 'http://mq' });
    expect(await exit).toBe(1);
    expect(
      output.stderr
        .trim()
        .split('\n')
        .map((line) => line.split(/[ :]+/, 2).join(' ')),
    ).toEqual(['user PORT', 'user DATABASE_URL', 'user AMQP_URL']);
  });

  it('names the variable with an invalid address before it touches the database', async () => {
    const empty = await testDatabase();
    try {
      const { output, exit } = run({
        ...environment(),
        DATABASE_URL: empty.url,
        ADMIN_EMAILS: 'boss@example.com, chief.example.com',
      });
      expect(await exit).toBe(1);
      expect(output.stderr).toMatch(/^user: ADMIN_EMAILS: .*chief\.example\.com.*\n$/);
      const tables = "SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'messaging')";
      expect(await query(empty.url, tables)).toEqual([]);
    } finally {
      await empty.close();
    }
  });

  it('migrates and exits, also in two processes at once and without a broker, and then starts without migrating', async () => {
    const empty = await testDatabase();
    try {
      const { AMQP_URL, ...env } = { ...environment(), DATABASE_URL: empty.url };
      const refused = run({ ...env, AMQP_URL, MIGRATE: 'off' });
      expect(await refused.exit).toBe(1);
      const both = [run(env, ['--migrate-only']), run(env, ['--migrate-only'])];
      expect(await Promise.all(both.map(({ exit }) => exit))).toEqual([0, 0]);
      expect(both.map(({ output }) => output.stderr).join('')).toBe('');
      const { child, exit, says } = run({ ...env, AMQP_URL, MIGRATE: 'off' });
      await says('"started"');
      child.kill('SIGTERM');
      expect(await exit).toBe(0);
    } finally {
      await empty.close();
    }
  });

  it('refuses unknown arguments and lists the known ones', async () => {
    const wrong = run(environment(), ['--migrate']);
    expect(await wrong.exit).toBe(2);
    expect(wrong.output.stderr).toContain('--migrate-only');
    const asked = run(environment(), ['--help']);
    expect(await asked.exit).toBe(0);
    expect(asked.output.stdout).toContain('--migrate-only');
  });

  it('says that its port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      const address = taken.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      const { output, exit } = run({ ...environment(), PORT: String(address.port) });
      expect(await exit).toBe(1);
      expect(output.stderr).toMatch(/^user: .*EADDRINUSE.*\n$/);
    } finally {
      taken.close();
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s and exits with 0', async (signal) => {
    const { child, output, exit, says } = run(environment());
    await says('"started"');
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(output.stdout).toContain('"stopped"');
    expect(output.stderr).toBe('');
  });

  it('treats two signals within a second as one, and drains', async () => {
    const { child, exit, says } = run({ ...environment(), DRAIN_SECONDS: '4' });
    await says('"started"');
    child.kill('SIGINT');
    await says('"stopping"');
    const began = Date.now();
    child.kill('SIGINT');
    expect(await exit).toBe(0);
    // It stays reachable for 0.3 of the drain time, so that load balancers can react.
    expect(Date.now() - began).toBeGreaterThan(1_000);
  });

  it('stops without draining further on a signal that comes a second or more after the first', async () => {
    const { child, exit, says } = run({ ...environment(), DRAIN_SECONDS: '600' });
    await says('"started"');
    child.kill('SIGTERM');
    await says('"stopping"');
    const again = setInterval(() => child.kill('SIGTERM'), 300);
    expect(await exit).toBe(0);
    clearInterval(again);
  });
});
