import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { Server } from 'socket.io';
import { root } from './support/process.js';

const file = join(root, 'packages/e2e/listen.mjs');
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

it('the README contains the code of the listener', async () => {
  expect(await readFile(join(root, 'README.md'), 'utf8')).toContain(await readFile(file, 'utf8'));
});

it('the README’s listener reconnects after a temporary refusal', async () => {
  const http = createServer();
  const io = new Server(http);
  closers.push(() => io.close());
  let refusals = 0;
  io.of('/user').use((_socket, next) => {
    const data = { code: 'service-unavailable', temporary: true };
    next(refusals++ < 2 ? Object.assign(new Error('Not reachable at the moment'), { data }) : undefined);
  });
  io.of('/user').on('connection', (socket) => socket.emit('session.ready', {}));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;

  const output = run((await readFile(file, 'utf8')).replace(/\b400[123]\b/g, String(port)));
  await eventually(() => expect(output()).toContain('/user session.ready'), { within: 20_000 });
  expect(output().match(/\/user Not reachable at the moment/g)).toHaveLength(2);
});

/** Runs this module in `packages/e2e`. Returns a function that returns the output so far. */
function run(code: string): () => string {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(root, 'packages/e2e'),
    env: { ...process.env, NODE_OPTIONS: '', TOKEN: 'any' },
  });
  closers.push(() => child.kill());
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  return () => printed;
}
