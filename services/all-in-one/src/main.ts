import { realpathSync } from 'node:fs';
import { ConfigError, type Environment } from '@warren/service-kit';
import { readStartConfig } from './config.js';
import { startEmbedded } from './embedded.js';
import { PortTaken, settlePorts } from './ports.js';
import { startProcesses } from './processes.js';
import { findServices, type HostedService } from './services.js';
import { abortion, stopRequested } from './signals.js';
import { banner, help } from './text.js';

/** Runs all services until `asked` aborts. Throws if they end for another reason. */
async function run(services: readonly HostedService[], env: Environment, asked: AbortSignal): Promise<void> {
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

/** Resolves to the exit code. */
async function main(args: readonly string[], env: Environment): Promise<number> {
  const services = await findServices();
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(help(services));
    return 0;
  }
  if (args.length > 0) {
    process.stderr.write(`warren: unknown argument "${args[0]}", see npm start -- --help\n`);
    return 2;
  }
  const asked = stopRequested();
  try {
    await run(services, env, asked);
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
  // Not process.exit, which would cut off output that is still being written.
  process.exitCode = await main(process.argv.slice(2), process.env);
}
