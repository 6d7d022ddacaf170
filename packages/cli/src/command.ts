import type { Environment } from '@warren/service-kit/config';
import { type Command, Option } from 'commander';
import { serviceName } from './parse.js';

/** A command's connection to its surroundings, apart from the broker and the database. */
export interface Io {
  readonly env: Environment;
  /** Writes a line of the result to stdout. */
  out(line: string): void;
  /** Writes a line of progress, a hint, an audit entry or an error to stderr. */
  err(line: string): void;
  /** Aborted when the operator stops the command. */
  readonly signal: AbortSignal;
}

/** The command line is invalid; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command failed, or did only a part of its work; exit code 1. The message is shown and holds no credentials. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

export interface CommonOptions {
  json?: true;
}

export interface ServiceOptions extends CommonOptions {
  service: string;
}

/** Adds a command without subcommands. Each of them has `--json`, and examples in its help. */
export function addCommand(
  parent: Command,
  usage: string,
  { summary, description, examples }: { summary: string; description: string; examples: readonly string[] },
): Command {
  return parent
    .command(usage)
    .summary(summary)
    .description(description)
    .option('--json', 'print JSON on stdout: one value, or one line per item of a list')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ warren ${line}`).join('\n')}`);
}

export function serviceOption(description = 'the service that owns the queues'): Option {
  return new Option('--service <name>', description).argParser(serviceName).makeOptionMandatory();
}
