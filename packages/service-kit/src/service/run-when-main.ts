import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ServiceContract } from '@warren/contracts';
import type { RawClient } from '@warren/unit-of-work';
import type { TObject } from 'typebox';
import { readableError } from '../config/read-config.js';
import type { ServiceClient, ServiceDefinition } from '../definition.js';
import { createService, type RunningService } from './create-service.js';
import { migrateService } from './database.js';
import { onStopSignals } from './stop.js';

const help = (service: string) => `Runs the ${service} service.

  node dist/main.js                  starts it; SIGTERM drains it and ends with 0
  node dist/main.js --migrate-only   brings its database up to date and ends

It is configured by environment variables; the README lists them.
`;

/**
 * Runs the service if `meta` is the module that Node.js was started with, and does nothing if it was only imported. With
 * `--migrate-only` it only migrates the database.
 *
 * SIGTERM or SIGINT drains the service and ends the process with 0; another signal a second or more later speeds that up.
 * If the start fails, the process prints one line for each problem and ends with 1. An uncaught error ends it with 1 too.
 */
export async function runWhenMain<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
  C extends ServiceContract,
>(meta: ImportMeta, definition: ServiceDefinition<Config, Db, Client, C>): Promise<void> {
  if (!isProgram(meta)) return;
  process.on('unhandledRejection', (reason) => fail(definition.contract.service, reason));
  process.on('uncaughtException', (error) => fail(definition.contract.service, error));
  const { values } = readArguments(definition.contract.service);
  if (values.help) process.stdout.write(help(definition.contract.service));
  else if (values['migrate-only']) {
    // Without a handler, the first process of a container ignores the signal. PostgreSQL rolls back what isn't committed.
    process.once('SIGTERM', () => process.exit(143));
    await orExit(definition.contract.service, migrateService(definition, process.env));
  } else {
    const starting = createService(definition, process.env);
    stopOnSignals(definition.contract.service, starting);
    await orExit(definition.contract.service, starting);
  }
}

function readArguments(service: string) {
  try {
    return parseArgs({
      options: { 'migrate-only': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    process.stderr.write(`${service}: ${(error as Error).message}\n${help(service)}`);
    process.exit(2);
  }
}

async function orExit(service: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    for (const line of readableError(error)) process.stderr.write(`${service}: ${line}\n`);
    process.exit(1);
  }
}

function isProgram(meta: ImportMeta): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(meta.url);
}

/** A signal during the start stops the service once it has started. */
function stopOnSignals(name: string, starting: Promise<RunningService>): void {
  const stop = (hurry: boolean): void => {
    starting
      .then((service) => service.stop({ hurry }))
      .then(
        () => process.exit(0),
        (error: unknown) => fail(name, error),
      );
  };
  onStopSignals({ asked: () => stop(false), hurried: () => stop(true) });
}

function fail(service: string, error: unknown): never {
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(
    `${JSON.stringify({ level: 'fatal', service, msg: 'a bug ended the process', stack })}\n`,
  );
  process.exit(1);
}
