import { answering } from '../processes/answering.js';
import { type CurveNode, type Load, type NodeOptions, openNode } from './node.js';

/** In bytes. */
export interface Memory {
  now: number;
  /** The peak since the start of the process. */
  peak: number;
}

let opened: Promise<CurveNode> | undefined;

/** Runs one instance in this process. */
answering({
  open: async (options: NodeOptions): Promise<void> => {
    opened = openNode(options);
    await opened;
  },
  write: async (load: Load): Promise<void> => (await node()).write(load),
  handled: async (): Promise<number> => (await node()).stats().consumer?.handled ?? 0,
  published: async (): Promise<number> => (await node()).stats().relay.published,
  memory: async (): Promise<Memory> => ({
    now: process.memoryUsage.rss(),
    peak: process.resourceUsage().maxRSS * 1024,
  }),
});

process.once('SIGTERM', () => void finish());

async function node(): Promise<CurveNode> {
  if (!opened) throw new Error('the node is not open');
  return opened;
}

async function finish(): Promise<void> {
  await (await opened)?.close();
  process.exit(0);
}
