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
  it.each(commands)('%s has help with examples, which are right, and takes --json', async (command) => {
    const { code, out, err } = await warren(`${command} --help`);
    const help = out.join('\n');
    expect([code, err]).toEqual([0, []]);
    expect(help).toContain('--json');
    const examples = [...help.matchAll(/^ {2}\$ warren (.*)$/gm)].map((found) => found[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const ran = await warren(example);
      expect(example).toMatch(new RegExp(`^${command}\\b`));
      // Understood, so that only the credentials are missing.
      expect([ran.code, ran.err]).toEqual([
        2,
        [expect.stringMatching(/^warren: (AMQP|DATABASE)_URL is missing/)],
      ]);
    }
  });

  it.each([
    ['nothing at all', 'dead-letters'],
    ['an unknown command', 'dead-letters lose'],
    ['an unknown option', 'queues --service user --colour'],
    ['a missing service', 'queues'],
    ['a service that is no name', 'queues --service user.events'],
    ['no number', 'dead-letters list --service user --limit many'],
    ['too many', 'dead-letters list --service user --limit 1001'],
    ['no time', 'dead-letters list --service user --since yesterday'],
    ['no date', 'dead-letters list --service user --since 2026-13-01'],
    ['no wildcard', 'replay --service user --to notification --types user.*'],
    ['a replay to oneself', 'replay --service user --to user'],
    ['types of another', 'replay --service user --to notification --types payment.succeeded'],
    ['a snapshot since', 'replay --service user --to notification --snapshot --since 1d'],
    ['effects of a snapshot', 'replay --service user --to notification --snapshot --with-effects'],
    ['the size of a snapshot', 'replay --service user --to notification --snapshot --dry-run'],
  ])('refuses %s with code 2', async (_what, line) => {
    const { code, out, err } = await warren(line, {
      AMQP_URL: 'amqp://127.0.0.1:1',
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
    });
    expect([code, out]).toEqual([2, []]);
    expect(err.join('\n')).not.toBe('');
  });

  it('reads credentials from files, and never shows them', async () => {
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

  it('is a program', async () => {
    const program = join(import.meta.dirname, '../bin/warren.js');
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--help']);
    expect(stdout).toContain('Usage: warren');
    const env = { ...process.env, AMQP_URL: 'amqp://127.0.0.1:1' };
    const failing = promisify(execFile)(process.execPath, [program, 'queues', '--service', 'user'], { env });
    await expect(failing).rejects.toMatchObject({ code: 1, stdout: '' });
  });
});
