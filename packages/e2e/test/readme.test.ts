import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { root } from './support/process.js';

it('the README lists every variable of every service as in the schemas', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/readme.mjs', '--check'], { cwd: root });
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
});
