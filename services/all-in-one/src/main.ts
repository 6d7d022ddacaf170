import { realpathSync } from 'node:fs';
import { ConfigError, type Environment } from '@warren/service-kit';
import { banner } from './banner.js';
import { readStartConfig } from './config.js';
import { startEmbedded } from './embedded.js';
import { help } from './help.js';
import { PortTaken, settlePorts } from './ports.js';
import { startProcesses } from './processes.js';
import { abortion, stopRequested } from './signals.js';
import { services } from './topology.js';

/** Runs everything until `asked` aborts, which is a clean end; anything else that ends it is thrown. */
async function run(env: Environment, asked: AbortSignal): Promise<void> {
  const { dataDir, servers, host, ports: wanted } = readStartConfig(services, env);
  const ports = await settlePorts(services, wanted, host);
  const settings = { ...env, HOST: host, HOST_FILE: undefined };
  const running = servers
    ? await startProcesses(services, servers, ports, settings, asked)
    : await startEmbedded(services, dataDir, ports, settings, asked);
  process.stdout.write(banner(services, ports, host, running.facts));
  try {
    await Promise.race([abortion(asked), running.failed]);
  } finally {
    process.stdout.write('Stopping …\n');
    await running.stop();
  }
}

/** Answers the exit code. */
async function main(args: readonly string[], env: Environment): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(help(services));
    return 0;
  }
  if (args.length > 0) {
    process.stderr.write(`warren: there is no "${args[0]}" here, see npm start -- --help\n`);
    return 2;
  }
  const asked = stopRequested();
  try {
    await run(env, asked);
    return 0;
  } catch (error) {
    if (error === asked.reason) return 0;
    process.stderr.write(`warren: ${explain(error)}\n`);
    return 1;
  }
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof PortTaken) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  // Set and not exited with: what is still being written is written.
  process.exitCode = await main(process.argv.slice(2), process.env);
}
