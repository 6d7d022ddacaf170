import { readFlags, wholeNumber } from '@warren/testing';
import { io } from 'socket.io-client';
import { Bench } from '../bench.js';
import { quantile } from '../stats.js';
import { service } from '../storm/contract.js';
import type { Attack, AttackReport } from './attacker-main.js';
import { pullRow } from './pulls.js';

const help = `npm run bench -- attacks [options]

Attacks a realtime node with a heap of 256 MB, with one connection after the other. Prints how late the pushes to
another user's socket arrive meanwhile (one push every 10 ms), and the node's peak memory. Then one account pulls its
feed from a complete service as fast as it can; prints the latencies of the other users.

  --seconds N   duration of each attack (default 5)
  --help        print this help
`;

const flags = {
  seconds: { type: 'string', default: '5' },
  help: { type: 'boolean', default: false },
} as const;

const mebibyte = 1024 * 1024;
const packets = { opcode: 1, framesAtOnce: 20_000, bytes: 1, reads: true };
const pings = { opcode: 9, payload: 'p'.repeat(125), framesAtOnce: 500, reads: false };

const attacks: Record<string, Attack | undefined> = {
  none: undefined,
  '150 MiB of pings without a token': { ...pings, bytes: 150 * mebibyte },
  '25 MiB of pings with a token': { ...pings, bytes: 25 * mebibyte, userId: 'mallory' },
  '20,000 × 40/n%,': { ...packets, payload: '40/n%,' },
  [`20,000 × 40/${service},{}`]: { ...packets, payload: `40/${service},{}` },
  '20,000 unknown commands': { ...packets, payload: `42/${service},1["nope"]`, userId: 'mallory' },
};

/** The same as in `node-main`, which can't be imported because it starts a node. */
const witness = 'witness';
const pushed = 'push.due';
const answerTimeoutMs = 120_000;

interface Figures {
  /** The longest delay of the node's event loop, in milliseconds. */
  longestDelay: number;
  /** Processor time in milliseconds. */
  cpu: number;
  peakHeap: number;
  peakMemory: number;
  connectionsCut: number;
}

export async function attack(argv: readonly string[]): Promise<void> {
  const values = readFlags(argv, flags);
  if (values.help) return void process.stdout.write(help);
  const seconds = wholeNumber('seconds', values.seconds, 60);
  for (const [name, attack] of Object.entries(attacks)) {
    process.stdout.write(`${await row(name, attack, seconds)}\n`);
  }
  process.stdout.write(`${await pullRow(seconds)}\n`);
}

/** Runs one attack with its own node, witness and attacker, and describes the result in a line. */
async function row(name: string, attack: Attack | undefined, seconds: number): Promise<string> {
  const bench = await Bench.create(undefined);
  try {
    const node = await bench.process('node', new URL('./node-main.js', import.meta.url), [
      '--max-old-space-size=256',
    ]);
    const attacker = await bench.process('attacker', new URL('./attacker-main.js', import.meta.url));
    const port = await node.ask<number>('open', undefined, answerTimeoutMs);
    const late = await listen(port, async () => {
      await node.ask('begin', undefined, answerTimeoutMs);
      if (attack) return attacker.ask<AttackReport>('attack', { port, attack, seconds }, answerTimeoutMs);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      return { connections: 0, bytes: 0 };
    });
    const { longestDelay, cpu, peakHeap, peakMemory, connectionsCut } = await node.ask<Figures>(
      'figures',
      undefined,
      answerTimeoutMs,
    );
    const [p50, p99, max] = [0.5, 0.99, 1].map((q) => quantile(late.samples, q));
    const { connections, bytes } = late.report;
    return (
      `${name}: pushes ${late.samples.length}, p50 ${p50} ms, p99 ${p99} ms, longest ${max} ms (event loop ${longestDelay} ms, processor ${cpu} ms); ` +
      `heap at most ${mib(peakHeap)}, memory ${mib(peakMemory)}; ` +
      `${connections} connections sent ${mib(bytes)}, ${connectionsCut} cut off`
    );
  } catch (error) {
    return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await bench.cleanup.run();
  }
}

/** Measures how late pushes reach the witness while `meanwhile` runs, in milliseconds. */
async function listen(
  port: number,
  meanwhile: () => Promise<AttackReport>,
): Promise<{ samples: number[]; report: AttackReport }> {
  const samples: number[] = [];
  const socket = io(`http://127.0.0.1:${port}/${service}`, {
    transports: ['websocket'],
    auth: { token: witness },
  });
  try {
    await new Promise<void>((resolve) => socket.once('session.ready', () => resolve()));
    socket.on(pushed, ({ due }: { due: number }) => samples.push(Date.now() - due));
    const report = await meanwhile();
    // The last pushes may still arrive.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return { samples, report };
  } finally {
    socket.disconnect();
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`;
}
