import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '@warren/contracts';
import {
  createRealtime,
  type Principal,
  type RealtimeNode,
  type RealtimeOptions,
  type SocketCommand,
} from '@warren/realtime';
import { pino } from 'pino';
import { MemoryFeeds } from './memory-feeds.js';
import { ScriptedNodes } from './scripted-nodes.js';

export const service = 'things';

export interface TestNode {
  realtime: RealtimeNode;
  feeds: MemoryFeeds;
  nodes: ScriptedNodes;
  server: Server;
  port: number;
  /** The URL of the service's namespace on this node. */
  url: string;
  /** Writes an entry and reports it as committed here. */
  commit(userId: string, data?: unknown): void;
  close(): Promise<void>;
}

/** A token for `verifyToken`. `expiresAt` is in milliseconds since 1970. */
export function token(userId: string, sessionId = 's1', expiresAt = Date.now() + 3_600_000): string {
  return JSON.stringify({ userId, sessionId, expiresAt });
}

export async function verifyToken(given: string): Promise<Principal> {
  try {
    const { userId, sessionId, expiresAt } = JSON.parse(given);
    return { userId, sessionId, expiresAt, roles: [] };
  } catch (cause) {
    throw new AppError('unauthenticated', { cause });
  }
}

export const echo: SocketCommand = {
  name: 'things.echo',
  check: (input) => input,
  handle: async (input, { principal, commandId }) => ({ input, userId: principal.userId, commandId }),
};

/** Starts a node on its own server and port. There is no sweep unless a test sets `sweepMs`. */
export async function startNode(
  options: Partial<RealtimeOptions> & { port?: number } = {},
): Promise<TestNode> {
  const feeds = options.feeds instanceof MemoryFeeds ? options.feeds : new MemoryFeeds();
  const nodes = options.nodes instanceof ScriptedNodes ? options.nodes : new ScriptedNodes();
  const server = options.server ?? createServer((_request, response) => response.writeHead(404).end());
  const realtime = createRealtime({
    server,
    service,
    node: 'node-1',
    path: '/socket.io',
    corsOrigins: [],
    polling: false,
    verifyToken,
    commands: [echo],
    log: pino({ level: process.env.LOG_LEVEL ?? 'silent' }),
    sweepMs: 3_600_000,
    ...options,
    feeds,
    nodes,
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realtime,
    feeds,
    nodes,
    server,
    port,
    url: `http://127.0.0.1:${port}/${service}`,
    commit: (userId, data) => realtime.committed([feeds.write(userId, data)]),
    async close() {
      await realtime.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
