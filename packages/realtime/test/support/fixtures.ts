import { afterEach } from '@jest/globals';
import type { RealtimeOptions } from '@warren/realtime';
import type { ManagerOptions, SocketOptions } from 'socket.io-client';
import { type Auth, RecordingClient } from './client.js';
import { startNode, type TestNode, token } from './node.js';

const closers: (() => unknown)[] = [];

/** Makes `onEnd`, `node` and `connect` close what they open. Each test file calls it, since modules are loaded only once. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
}

/** Calls `close` when the test ends. The last one registered is called first. */
export function onEnd(close: () => unknown): void {
  closers.push(close);
}

export async function node(options?: Partial<RealtimeOptions> & { port?: number }): Promise<TestNode> {
  const started = await startNode(options);
  onEnd(() => started.close());
  return started;
}

export function connect(
  url: string,
  auth: Auth | (() => Auth) = {},
  options?: Partial<ManagerOptions & SocketOptions>,
): RecordingClient {
  const withToken = (): Auth => ({ token: token('ann'), ...(typeof auth === 'function' ? auth() : auth) });
  const client = new RecordingClient(url, withToken, options);
  onEnd(() => client.close());
  return client;
}
