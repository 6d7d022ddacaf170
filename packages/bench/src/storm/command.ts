import pg from 'pg';
import { type Bench, withBench } from '../bench.js';
import type { Child } from '../processes/child.js';
import { quantile } from '../stats.js';
import { createTokens } from '../systems/tokens.js';
import type { ClientOptions } from './client.js';
import type { StormNodeOptions } from './node.js';
import { help, readStormOptions, type StormOptions } from './options.js';
import { type NodeHandle, playStorm, type StormResult, type SwarmHandle } from './play.js';

const nodeCount = 2;
const answerTimeoutMs = 60_000;
const timeoutMs = 90_000;

/** Runs `npm run bench -- storm`. Throws if a client missed an entry, or received one twice or out of order. */
export async function storm(argv: readonly string[], say: (line: string) => void): Promise<void> {
  const options = readStormOptions(argv);
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  await withBench(undefined, (bench) => run(bench, options, say));
}

async function run(bench: Bench, options: StormOptions, say: (line: string) => void): Promise<void> {
  const databaseUrl = await bench.database();
  const tokens = await createTokens();
  const people = await tokens.people(options.users);
  const shared = {
    databaseUrl,
    amqpUrl: await bench.broker(),
    jwks: tokens.jwks,
    users: people.map(({ id }) => id),
  };
  const nodes: Child[] = [];
  const ports: number[] = [];
  for (let index = 0; index < nodeCount; index += 1) {
    const child = await bench.process(`node-${index + 1}`, new URL('./node-main.js', import.meta.url));
    const node: StormNodeOptions = { ...shared, node: child.name };
    ports.push(await child.ask<number>('open', node, answerTimeoutMs));
    nodes.push(child);
  }
  const clients = Array.from({ length: options.clients }, (_, index): ClientOptions => {
    const person = people[index % people.length];
    if (!person) throw new RangeError('a storm needs people');
    return { person, ports, first: Math.floor(index / people.length) };
  });
  const swarms: Child[] = [];
  for (let index = 0; index < options.drivers; index += 1) {
    const child = await bench.process(`driver-${index + 1}`, new URL('./swarm-main.js', import.meta.url));
    const own = clients.filter((_, each) => each % options.drivers === index);
    await child.ask('connect', own, answerTimeoutMs);
    swarms.push(child);
  }
  const plan = { ...options, intervalMs: options.interval, timeoutMs };
  const result = await playStorm(plan, nodes.map(nodeHandle), swarms.map(swarmHandle), say);
  const peaks = await Promise.all(
    nodes.map((node) => node.ask<number>('peak-memory', undefined, answerTimeoutMs)),
  );
  const feeds = await wrongFeeds(databaseUrl, result.head, options.users);
  process.stdout.write(options.json ? json(result, peaks, feeds) : report(result, peaks, feeds));
  check(result, feeds);
}

function nodeHandle(child: Child): NodeHandle {
  return { broadcast: (number) => child.ask('broadcast', number, answerTimeoutMs) };
}

function swarmHandle(child: Child): SwarmHandle {
  return {
    standing: () => child.ask('standing', undefined, answerTimeoutMs),
    cut: () => child.ask('cut', undefined, answerTimeoutMs),
    report: () => child.ask('report', undefined, answerTimeoutMs),
  };
}

/** Counts the users whose feed in the database doesn't end at `head`. */
async function wrongFeeds(databaseUrl: string, head: number, users: number): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ right: number }>(
      'SELECT count(*)::int AS right FROM messaging.feed_head WHERE seq = $1',
      [head],
    );
    return users - (rows[0]?.right ?? 0);
  } finally {
    await client.end();
  }
}

function check({ incomplete, faults }: StormResult, feeds: number): void {
  const wrong = Object.values(faults).reduce((sum, count) => sum + count, incomplete + feeds);
  if (wrong > 0) throw new Error('clients missed entries or received them twice, see above');
}

function figures({ replays, outages, ...rest }: StormResult, peaks: readonly number[], feeds: number) {
  const spread = (samples: readonly number[]) => ({
    count: samples.length,
    p50: Math.round(quantile(samples, 0.5)),
    p99: Math.round(quantile(samples, 0.99)),
    max: Math.round(quantile(samples, 1)),
  });
  return {
    ...rest,
    wrongFeeds: feeds,
    replayMs: spread(replays),
    outageMs: spread(outages),
    peakMemoryMb: peaks.map((bytes) => Math.round(bytes / 1e6)),
  };
}

function json(...all: Parameters<typeof figures>): string {
  return `${JSON.stringify(figures(...all), undefined, 2)}\n`;
}

function report(...all: Parameters<typeof figures>): string {
  const { clients, cuts, head, incomplete, wrongFeeds, faults, replayMs, outageMs, peakMemoryMb } = figures(
    ...all,
  );
  return `
${clients} clients, each cut ${cuts / clients} times, ${head} entries each

clients that did not reach the head    ${incomplete}
feeds that differ from the broadcasts  ${wrongFeeds}
gaps, duplicates, repeated broadcasts  ${faults.gaps}, ${faults.duplicates}, ${faults.repeated}
resets, too slow, refused              ${faults.resets}, ${faults.behind}, ${faults.refused}
replay ms, p50, p99, max               ${replayMs.p50}, ${replayMs.p99}, ${replayMs.max}
cut to caught up ms, p50, p99, max     ${outageMs.p50}, ${outageMs.p99}, ${outageMs.max}
peak memory of the nodes, MB           ${peakMemoryMb.join(', ')}

Replay: from the new TCP connection to the last missed entry (${replayMs.count} samples). Cut to caught up also
includes the pause of 0.5 to 1.5 s that plain clients make before they reconnect.
`;
}
