import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, withBench } from '../bench.js';
import type { Child } from '../processes/child.js';
import { type Absent, fillFeeds } from './feeds.js';
import { help, type ResumeOptions, readResumeOptions } from './options.js';
import type { ReturningFigures, ReturningOptions } from './returning-client.js';
import { figuresOf, openStage, spread } from './stage.js';

const answerTimeoutMs = 120_000;
const completionTimeoutMs = 180_000;
/** How long the probes run before the storm, in milliseconds. */
const calmMs = 3_000;
const localAddresses = 8;

/** Runs `npm run bench -- resume`. Throws if the service misses a limit that the help text states. */
export async function resume(argv: readonly string[], say: (line: string) => void): Promise<void> {
  const options = readResumeOptions(argv);
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  await withBench(options.cpuProf, (bench) => run(bench, options, say));
}

async function run(bench: Bench, options: ResumeOptions, say: (line: string) => void): Promise<void> {
  const stage = await openStage(bench);
  const people = await stage.tokens.people(Math.ceil(options.clients / options.tabs));
  const absent = await fillFeeds(stage.databaseUrl, people, options.missed);
  const drivers: Child[] = [];
  for (let index = 0; index < options.drivers; index += 1) {
    drivers.push(await bench.process(`driver-${index + 1}`, new URL('./crowd-main.js', import.meta.url)));
  }
  await sleep(calmMs);
  const calm = stage.probe();
  await sleep(calmMs);
  await Promise.all(Object.values(calm).map((probe) => probe.stop()));

  say(`${options.clients} clients reconnect`);
  const storm = stage.probe();
  const began = performance.now();
  await reconnect(drivers, clientsOf(absent, options, stage.port));
  await untilComplete(drivers, options.clients, say);
  const tookMs = performance.now() - began;
  await Promise.all(Object.values(storm).map((probe) => probe.stop()));
  const figures = (
    await Promise.all(
      drivers.map((driver) => driver.ask<ReturningFigures[]>('figures', undefined, answerTimeoutMs)),
    )
  ).flat();
  const result = {
    clients: options.clients,
    tookMs,
    ...summed(figures),
    calm: figuresOf(calm),
    storm: figuresOf(storm),
  };
  process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : report(result));
  check(result);
}

function clientsOf(absent: readonly Absent[], options: ResumeOptions, port: number): ReturningOptions[] {
  return Array.from({ length: options.clients }, (_, index) => {
    const each = absent[index % absent.length];
    if (!each) throw new RangeError('a storm needs people');
    const { person, cursor, from, to } = each;
    const localAddress = `127.0.0.${2 + (index % localAddresses)}`;
    return { port, localAddress, namespace: 'notification', token: person.token, cursor, from, to };
  });
}

async function reconnect(drivers: readonly Child[], clients: readonly ReturningOptions[]): Promise<void> {
  await Promise.all(
    drivers.map((driver, index) => {
      const own = clients.filter((_, each) => each % drivers.length === index);
      return driver.ask('return', own, answerTimeoutMs);
    }),
  );
}

async function untilComplete(
  drivers: readonly Child[],
  clients: number,
  say: (line: string) => void,
): Promise<void> {
  const deadline = performance.now() + completionTimeoutMs;
  for (;;) {
    const counts = await Promise.all(
      drivers.map((driver) => driver.ask<number>('complete', undefined, answerTimeoutMs)),
    );
    const complete = counts.reduce((sum, count) => sum + count, 0);
    say(`${complete} clients have resumed`);
    if (complete === clients || performance.now() > deadline) return;
    await sleep(1_000);
  }
}

function summed(figures: readonly ReturningFigures[]) {
  const count = (of: (each: ReturningFigures) => number) => figures.reduce((sum, each) => sum + of(each), 0);
  return {
    incomplete: count(({ complete }) => (complete ? 0 : 1)),
    late: count(({ late }) => (late ? 1 : 0)),
    lost: {
      connecting: count(({ lost }) => lost.connecting),
      upgrading: count(({ lost }) => lost.upgrading),
      joining: count(({ lost }) => lost.joining),
      resuming: count(({ lost }) => lost.resuming),
    },
    refused: count(({ refused }) => refused),
    faults: count(({ gaps, resets }) => gaps + resets),
    resumeMs: spread(figures.map(({ took }) => took)),
  };
}

interface Result extends ReturnType<typeof summed> {
  clients: number;
  tookMs: number;
  calm: ReturnType<typeof figuresOf>;
  storm: ReturnType<typeof figuresOf>;
}

function report(result: Result): string {
  const { clients, tookMs, incomplete, late, lost, refused, faults, resumeMs, calm, storm } = result;
  const line = (name: 'readiness' | 'transactions' | 'events') => {
    const [before, during] = [calm[name], storm[name]];
    return (
      `${name}: p50 ${during.p50} ms, p99 ${during.p99} ms, longest ${during.max} ms of ${during.count}, ` +
      `${during.failed} failed${during.why.map((why) => ` (${why})`).join('')}; ` +
      `before the storm p50 ${before.p50} ms, p99 ${before.p99} ms\n`
    );
  };
  return `
${clients} clients resumed within ${Math.round(tookMs)} ms: p50 ${resumeMs.p50} ms, p99 ${resumeMs.p99} ms
${incomplete} incomplete, ${late} late because their feed could not be read, lost connections ${JSON.stringify(lost)}, ${refused} refused, ${faults} gaps, duplicates and resets
${line('readiness')}${line('transactions')}${line('events')}`;
}

const maxTransactionMs = 500;

function check({ incomplete, late, lost, refused, faults, storm }: Result): void {
  const bad = [
    incomplete + late + refused + faults + lost.joining + lost.resuming > 0 && 'a client did not resume',
    storm.readiness.failed > 0 && 'a readiness probe failed',
    storm.transactions.failed + storm.events.failed > 0 && 'a transaction or an event failed',
    storm.transactions.p99 >= maxTransactionMs && `transactions took ${maxTransactionMs} ms or more at p99`,
  ].filter((problem) => problem !== false);
  if (bad.length > 0) throw new Error(bad.join('; '));
}
