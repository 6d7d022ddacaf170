import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, quietPorts } from '@warren/testing';
import { root } from './support/process.js';
import { services } from './support/system.js';

const ctrlC = '\x03';

/** `script` runs a command in a terminal. It has these flags only in util-linux. */
const onLinux = process.platform === 'linux' ? it : it.skip;

describe('npm start in a terminal', () => {
  let folder: string;
  let terminal: ChildProcess;
  let output = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-terminal-'));
    const ports = await quietPorts(services.length, { alsoAbove: 1_000 });
    terminal = spawn(
      'script',
      ['--quiet', '--return', '--flush', '--command', 'exec npm start', '/dev/null'],
      {
        cwd: root,
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          WARREN_DATA_DIR: folder,
          ...Object.fromEntries(
            services.map((service, index) => [`${service.toUpperCase()}_PORT`, `${ports[index]}`]),
          ),
        },
      },
    );
    terminal.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  });
  afterEach(async () => {
    terminal.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  onLinux(
    'shuts down on Ctrl-C and exits with code 0',
    async () => {
      await eventually(() => expect(output).toContain('Ctrl-C stops it.'), { within: 120_000 });
      const ended = once(terminal, 'exit');
      terminal.stdin?.write(ctrlC);
      expect((await ended)[0]).toBe(0);
      expect(output).toContain('Stopping');
    },
    180_000,
  );
});
