import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createMemoryNodes } from '@warren/node-bus';
import { createRealtime, type RealtimeNode } from '@warren/realtime';
import type { FeedReader } from '@warren/unit-of-work';
import { pino } from 'pino';
import { answering } from '../processes/answering.js';
import { processorMs } from '../processes/serving.js';
import { service } from '../storm/contract.js';

/** The interval of pushes to the witness, in milliseconds. */
const pushEveryMs = 10;

const witness = 'witness';
const pushed = 'push.due';

const node = createNode();
const delays = monitorEventLoopDelay({ resolution: 5 });
let cpuAtStart = 0;
let peakHeap = 0;

/** A realtime node without database and broker, so that only its own event loop and memory are measured. */
answering({
  open: async (): Promise<number> => (await node).port,
  /** Starts the measurement, without the start of the process. */
  begin: async (): Promise<void> => {
    delays.enable();
    delays.reset();
    cpuAtStart = processorMs();
  },
  /** Memory in bytes, times in milliseconds, and the node's counters. */
  figures: async () => {
    const { connectionsCut, upgradesRefused } = (await node).realtime.stats();
    const longestDelay = Math.round(delays.max / 1e6);
    return {
      longestDelay,
      cpu: Math.round(processorMs() - cpuAtStart),
      peakHeap,
      peakMemory: process.resourceUsage().maxRSS * 1024,
      connectionsCut,
      upgradesRefused,
    };
  },
});
process.once('SIGTERM', () => process.exit(0));

async function createNode(): Promise<{ port: number; realtime: RealtimeNode }> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  let head = 0;
  const feeds: FeedReader = {
    head: async () => position(head),
    heads: async () => new Map(),
    read: async () => ({ entries: [], head: position(head) }),
    floor: async () => head,
    resolve: async () => ({ ok: true, seq: head, head: position(head) }),
    readMany: async (questions) =>
      questions.map(() => ({ place: { ok: true, seq: head, head: position(head) }, entries: [] })),
    sameEpoch: () => true,
  };
  const realtime = createRealtime({
    server,
    service,
    node: 'node-1',
    path: '/socket.io',
    corsOrigins: [],
    polling: false,
    verifyToken: async (userId) => ({
      userId,
      sessionId: userId,
      roles: [],
      expiresAt: Date.now() + 3_600_000,
    }),
    feeds,
    commands: [],
    nodes: createMemoryNodes().join({ service }),
    limits: { handshakesPerMinute: 6_000 },
    log: pino({ level: 'error' }, process.stderr),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let due = Date.now() + pushEveryMs;
  setInterval(() => {
    peakHeap = Math.max(peakHeap, process.memoryUsage().heapUsed);
    // One push for each interval that has passed: a stall delays every push that was due in it.
    for (; due <= Date.now(); due += pushEveryMs) {
      head += 1;
      const { seq, cursor } = position(head);
      const time = new Date(due).toISOString();
      realtime.committed([{ userId: witness, seq, cursor, type: pushed, id: `${seq}`, time, data: { due } }]);
    }
  }, pushEveryMs);
  return { port: (server.address() as AddressInfo).port, realtime };
}

function position(seq: number): { seq: number; cursor: string } {
  return { seq, cursor: `c${seq}` };
}
