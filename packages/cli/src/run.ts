import { OperatorError } from '@warren/event-bus';
import { ConfigError, readableError } from '@warren/service-kit/config';
import { Command, CommanderError } from 'commander';
import { Failure, type Io, UsageError } from './command.js';
import { addDeadLetters } from './dead-letters/commands.js';
import { addNewEpoch } from './new-epoch.js';
import { addOutbox } from './outbox/status.js';
import { addQueues } from './queues.js';
import { addReplay } from './replay/replay.js';

export type { Io } from './command.js';

/** 0: done. 1: failed, or done only in part. 2: the command line or the environment is invalid. */
export type ExitCode = 0 | 1 | 2;

/** Runs one command line, given without the program's name. Never rejects. */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    await programFor(io).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed the help or the error itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    for (const line of linesOf(error)) io.err(`warren: ${line}`);
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

function programFor(given: Io): Command {
  const env = { ...given.env };
  const io: Io = { ...given, env };
  const program = new Command('warren')
    .description('Inspects and repairs the queues and the database of a Warren service.')
    .option(
      '--prefix <prefix>',
      'the prefix of all exchange and queue names (default: AMQP_PREFIX, or warren)',
    )
    .option(
      '--schema <name>',
      'the schema of the kit in the database (default: MESSAGING_SCHEMA, or messaging)',
    )
    .hook('preAction', (command) => {
      const { prefix, schema } = command.opts<{ prefix?: string; schema?: string }>();
      if (prefix !== undefined) env.AMQP_PREFIX = prefix;
      if (schema !== undefined) env.MESSAGING_SCHEMA = schema;
    })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error:/, 'warren:')),
    })
    .showHelpAfterError('(run with --help for usage)')
    .addHelpText(
      'after',
      `
Commands use the credentials of the service: AMQP_URL and DATABASE_URL, or AMQP_URL_FILE and DATABASE_URL_FILE.

Exit codes: 0 done, 1 failed or done only in part, 2 invalid arguments or settings.
Results go to stdout; progress, and an audit line for each change, go to stderr.`,
    );
  addDeadLetters(program, io);
  addOutbox(program, io);
  addNewEpoch(program, io);
  addQueues(program, io);
  addReplay(program, io);
  return program;
}

/** One line for an expected error. Any other error is a bug and is shown with its stack. */
function linesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  const isExpected = [UsageError, Failure, OperatorError].some((kind) => error instanceof kind);
  if (isExpected) return [readableError(error).join(': ')];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}
