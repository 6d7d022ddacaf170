import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { root } from './support/process.js';

it('the README names every variable of every service, as the schemas do', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/readme.mjs', '--check'], { cwd: root });
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
});
