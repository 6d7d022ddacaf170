import { UsageError } from '@warren/testing';
import { withBench } from './bench.js';
import { help, type Options, readOptions } from './options.js';
import { runRounds } from './rounds.js';
import { summarize } from './summary.js';
import { startSystems } from './systems/index.js';
import { table } from './table.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** The other benchmarks, each with its own options. */
const others: Record<string, (argv: readonly string[]) => Promise<void>> = {
  storm: async (argv) => (await import('./storm/command.js')).storm(argv, say),
  resume: async (argv) => (await import('./resume/command.js')).resume(argv, say),
  attacks: async (argv) => (await import('./attacks/command.js')).attack(argv),
  retention: async (argv) => (await import('./retention/command.js')).retention(argv),
  transaction: async (argv) => (await import('./transaction/command.js')).transaction(argv),
  curves: async (argv) => (await import('./curves/command.js')).curves(argv, say),
};

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  try {
    const [name, ...rest] = argv;
    if (name !== undefined && Object.hasOwn(others, name)) await others[name]?.(rest);
    else await story(argv);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${help}`);
    else
      process.stderr.write(`The benchmark failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function story(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv);
  if (options.help) process.stdout.write(help);
  else await benchmark(options);
}

async function benchmark(options: Options): Promise<void> {
  await withBench(options.cpuProf, async (bench) => {
    const systems = await startSystems(bench, options, say);
    const driver = await bench.process('driver', new URL('./driver/main.js', import.meta.url));
    const rows = summarize(await runRounds(systems, driver, options, say), options.rates);
    process.stdout.write(
      options.json ? `${JSON.stringify({ options, rows }, undefined, 2)}\n` : report(rows),
    );
  });
}

function report(rows: Parameters<typeof table>[0]): string {
  return `
${table(rows)}

×: ratio to the bare pipeline in the same round, as the median (min–max) over rounds. Higher is better for throughput,
lower for everything else. Every event arrived exactly once on its recipient's socket.
`;
}
