import { resolve } from 'node:path';
import { UsageError } from '@warren/testing';
import { help, type Options, readOptions } from './options.js';
import { planFaults, sentenceOf } from './plan/faults.js';
import { textOf } from './report.js';
import { run } from './run.js';

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error('stopped'));
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const options = readOptions(argv);
    if (options.help) process.stdout.write(help);
    else if (options.plan) process.stdout.write(planOf(options));
    else return await chaos(options, stop.signal);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${help}`);
    else process.stderr.write(`The run failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function chaos(options: Options, stop: AbortSignal): Promise<number> {
  const report = await run({
    seed: options.seed,
    durationMs: options.minutes * 60_000,
    faults: faultsOf(options),
    actionsPerSecond: options.actionsPerSecond,
    people: options.people,
    settleMs: options.settleSeconds * 1_000,
    folder: resolve(options.out),
    say: (line) => process.stderr.write(`${line}\n`),
    stop,
  });
  process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(report));
  return report.passed ? 0 : 1;
}

function planOf(options: Options): string {
  const faults = planFaults(options.seed, options.minutes * 60_000, faultsOf(options));
  return faults
    .map((fault) => `${(fault.at / 1_000).toFixed(1).padStart(6)} s ${sentenceOf(fault)}\n`)
    .join('');
}

function faultsOf({ minutes, faultsPerMinute }: Options): number {
  return Math.max(Math.round(minutes * faultsPerMinute), 1);
}
