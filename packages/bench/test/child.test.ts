import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Child } from '../src/processes/child.js';

describe('a child process', () => {
  let folder: string;
  let child: Child;

  const start = async (script: string) => {
    child = await Child.start({
      name: script,
      script: new URL(`./support/${script}.mjs`, import.meta.url),
      env: {},
      logFile: join(folder, 'log'),
    });
    return child;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-bench-test-'));
  });
  afterEach(async () => {
    await child.stop(0);
    await rm(folder, { recursive: true });
  });

  it('answers a question that was sent before it listened', async () => {
    expect(await (await start('deaf')).ask('anything', 42, 60_000)).toBe(42);
  });

  it('rejects pending and later questions when it has ended', async () => {
    const faint = await start('faint');
    await expect(faint.ask('anything', undefined, 60_000)).rejects.toThrow('ended with exit code 3');
    await expect(faint.ask('more', undefined, 60_000)).rejects.toThrow('has ended');
  });

  it('rejects a question that it does not answer in time', async () => {
    const deaf = await start('deaf');
    await deaf.ask('first', undefined, 60_000);
    await expect(deaf.ask('second', undefined, 50)).rejects.toThrow("did not answer 'second' within 50 ms");
  });

  it('is killed if it ignores SIGTERM', async () => {
    const deaf = await start('deaf');
    await deaf.ask('first', undefined, 60_000);
    await deaf.stop(50);
    await expect(deaf.ask('second', undefined, 50)).rejects.toThrow('has ended');
  });
});
