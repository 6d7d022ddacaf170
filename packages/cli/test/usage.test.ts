import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { warren } from './support/cli.js';

const commands = [
  'dead-letters list',
  'dead-letters show',
  'dead-letters retry',
  'dead-letters discard',
  'outbox status',
  'outbox parked list',
  'outbox parked retry',
  'outbox parked discard',
  'queues',
  'replay',
];

describe('warren', () => {
  it.each(commands)('%s accepts --json and shows valid examples in its help', async (command) => {
    const { code, out, err } = await warren(`${command} --help`);
    const help = out.join('\n');
    expect([code, err]).toEqual([0, []]);
    expect(help).toContain('--json');
    const examples = [...help.matchAll(/^ {2}\$ warren (.*)$/gm)].map((found) => found[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const ran = await warren(example);
      expect(example).toMatch(new RegExp(`^${command}\\b`));
      // The command line is valid: only the credentials are missing.
      expect([ran.code, ran.err]).toEqual([
        2,
        [expect.stringMatching(/^warren: (AMQP|DATABASE)_URL is missing/)],
      ]);
    }
  });

  it.each([
    ['a group without a command', 'dead-letters'],
    ['an unknown command', 'dead-letters lose'],
    ['an unknown option', 'queues --service user --colour'],
    ['a missing service', 'queues'],
    ['an invalid service name', 'queues --service user.events'],
    ['a limit that is not a number', 'dead-letters list --service user --limit many'],
    ['a limit above the maximum', 'dead-letters list --service user --limit 1001'],
    ['a time in words', 'dead-letters list --service user --since yesterday'],
    ['a date that does not exist', 'dead-letters list --service user --since 2026-13-01'],
    ['a wildcard in a type', 'replay --service user --to notification --types user.*'],
    ['a replay from a service to itself', 'replay --service user --to user'],
    ['event types of another service', 'replay --service user --to notification --types payment.succeeded'],
    ['a snapshot with --since', 'replay --service user --to notification --snapshot --since 1d'],
    ['a snapshot with --with-effects', 'replay --service user --to notification --snapshot --with-effects'],
    ['a snapshot with --dry-run', 'replay --service user --to notification --snapshot --dry-run'],
  ])('refuses %s with exit code 2', async (_what, line) => {
    const { code, out, err } = await warren(line, {
      AMQP_URL: 'amqp://127.0.0.1:1',
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
    });
    expect([code, out]).toEqual([2, []]);
    expect(err.join('\n')).not.toBe('');
  });

  it('reads credentials from files and never prints them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warren-cli-'));
    try {
      const file = join(folder, 'amqp-url');
      await writeFile(file, 'amqp://user:not-to-be-seen@127.0.0.1:1/warren\n');
      const { code, err } = await warren('queues --service user', { AMQP_URL_FILE: file });
      expect(code).toBe(1);
      expect(err).toEqual(['warren: the broker can not be reached: connect ECONNREFUSED 127.0.0.1:1']);
      await writeFile(file, 'http://user:not-to-be-seen@127.0.0.1');
      const wrong = await warren('queues --service user', { AMQP_URL_FILE: file });
      expect([wrong.code, wrong.err.join('\n')]).toEqual([2, expect.not.stringContaining('not-to-be-seen')]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('runs as a program', async () => {
    const program = join(import.meta.dirname, '../bin/warren.js');
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--help']);
    expect(stdout).toContain('Usage: warren');
    const env = { ...process.env, AMQP_URL: 'amqp://127.0.0.1:1' };
    const failing = promisify(execFile)(process.execPath, [program, 'queues', '--service', 'user'], { env });
    await expect(failing).rejects.toMatchObject({ code: 1, stdout: '' });
  });
});
