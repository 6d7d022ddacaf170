import { answering } from '../processes/answering.js';
import { openStormNode, type StormNode, type StormNodeOptions } from './node.js';

let opened: Promise<StormNode> | undefined;

/** Runs one node in this process. */
answering({
  open: async (options: StormNodeOptions): Promise<number> => {
    opened = openStormNode(options);
    return (await opened).port;
  },
  broadcast: async (number: number): Promise<void> => {
    await (await opened)?.broadcast(number);
  },
  /** The peak memory in bytes. */
  'peak-memory': async (): Promise<number> => process.resourceUsage().maxRSS * 1024,
});

process.once('SIGTERM', () => void finish());

async function finish(): Promise<void> {
  await (await opened)?.close();
  process.exit(0);
}
