import { arrivalTimeoutMs } from './driver/loops.js';
import type { ClosedLoopResult, DriverQuestions, OpenLoopResult } from './driver/questions.js';
import type { Options } from './options.js';
import type { Child } from './processes/child.js';
import type { RunningSystem } from './systems/system.js';

/** Limits the warm-up of a slow system. */
const warmUp = { stepSeconds: 2, maxSteps: 15 };
const connectTimeoutMs = 30_000;

export interface Measurement<Result> {
  result: Result;
  /** Processor time of all the system's processes per event, in milliseconds. */
  serverMsPerEvent: number;
}

/** The measurements of one system in one round. */
export interface Round {
  atRate: Map<number, Measurement<OpenLoopResult>>;
  throughput: Measurement<ClosedLoopResult>;
}

export type Results = Map<string, Round[]>;

/** Measures all systems in turn, alternating the order, so that a drift of the machine affects all alike. */
export async function runRounds(
  systems: readonly RunningSystem[],
  driver: Child,
  options: Options,
  say: (line: string) => void,
): Promise<Results> {
  const results: Results = new Map(systems.map(({ target }) => [target.name, []]));
  for (const { target } of systems) {
    say(`warming up ${target.name}`);
    await driver.ask('connect', target, connectTimeoutMs);
    await warmUpSystem(target.name, driver, options);
  }
  for (let round = 1; round <= options.rounds; round += 1) {
    const order = round % 2 === 1 ? systems : [...systems].reverse();
    for (const system of order) {
      say(`round ${round} of ${options.rounds}: ${system.target.name}`);
      results.get(system.target.name)?.push(await measure(system, driver, options));
    }
  }
  for (const { target } of systems) {
    await driver.ask('finish', target.name, connectTimeoutMs);
  }
  return results;
}

/** V8 compiles hot code during thousands of events. Without the warm-up, larger systems would look slower. */
async function warmUpSystem(system: string, driver: Child, options: Options): Promise<void> {
  const step = { system, concurrency: options.concurrency, seconds: warmUp.stepSeconds };
  let events = 0;
  for (let steps = 0; steps < warmUp.maxSteps && events < options.warmUp; steps += 1) {
    events += (await askClosedLoop(driver, step)).events;
  }
}

async function measure(system: RunningSystem, driver: Child, options: Options): Promise<Round> {
  const { seconds, concurrency } = options;
  const name = system.target.name;
  const atRate: Round['atRate'] = new Map();
  for (const rate of options.rates) {
    const run = () => askOpenLoop(driver, { system: name, rate, seconds });
    atRate.set(rate, await withProcessorTime(system, run));
  }
  const run = () => askClosedLoop(driver, { system: name, concurrency, seconds });
  return { atRate, throughput: await withProcessorTime(system, run) };
}

async function withProcessorTime<Result extends { events: number }>(
  system: RunningSystem,
  run: () => Promise<Result>,
): Promise<Measurement<Result>> {
  const before = await processorMs(system);
  const result = await run();
  return { result, serverMsPerEvent: ((await processorMs(system)) - before) / result.events };
}

async function processorMs(system: RunningSystem): Promise<number> {
  const times = system.servers.map(({ child }) => child.ask<number>('cpu', undefined, 10_000));
  return (await Promise.all(times)).reduce((sum, ms) => sum + ms, 0);
}

function askOpenLoop(driver: Child, input: DriverQuestions['open-loop']): Promise<OpenLoopResult> {
  return driver.ask('open-loop', input, input.seconds * 1000 + 2 * arrivalTimeoutMs);
}

function askClosedLoop(driver: Child, input: DriverQuestions['closed-loop']): Promise<ClosedLoopResult> {
  return driver.ask('closed-loop', input, input.seconds * 1000 + 2 * arrivalTimeoutMs);
}
