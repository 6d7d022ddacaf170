import { OperatorError } from '@warren/event-bus';
import { ConfigError, readableError } from '@warren/service-kit/config';
import { Command, CommanderError } from 'commander';
import { addDeadLetters } from './dead-letters/commands.js';
import { Failure, UsageError } from './errors.js';
import type { Io } from './io.js';
import { addNewEpoch } from './new-epoch.js';
import { addOutbox } from './outbox/status.js';
import { addQueues } from './queues.js';
import { addReplay } from './replay/replay.js';

export type { Io } from './io.js';

/** 0: done. 1: not, or not all of it. 2: it was asked for wrongly. */
export type ExitCode = 0 | 1 | 2;

/** Carries out one command line, without the program's name. Never rejects. */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    await programFor(io).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    // Has spoken already: help, or what is wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    for (const line of linesOf(error)) io.err(`warren: ${line}`);
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
  }
}

function programFor(given: Io): Command {
  const env = { ...given.env };
  const io: Io = { ...given, env };
  const program = new Command('warren')
    .description('Works on what a service of Warren’s has at its broker and in its database.')
    .option(
      '--prefix <prefix>',
      'what the names of exchanges and queues begin with; default: AMQP_PREFIX, or warren',
    )
    .hook('preAction', (command) => {
      const { prefix } = command.opts<{ prefix?: string }>();
      if (prefix !== undefined) env.AMQP_PREFIX = prefix;
    })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error:/, 'warren:')),
    })
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText(
      'after',
      `
It uses a service's own credentials: AMQP_URL and DATABASE_URL, or AMQP_URL_FILE and DATABASE_URL_FILE.

Exit codes: 0 done, 1 not done or not all of it, 2 asked for wrongly.
Results go to stdout; progress, and an audit line for each change, to stderr.`,
    );
  addDeadLetters(program, io);
  addOutbox(program, io);
  addNewEpoch(program, io);
  addQueues(program, io);
  addReplay(program, io);
  return program;
}

/** What is meant for people, in one line; of anything else, which is a bug, the stack. */
function linesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems;
  const isExpected = [UsageError, Failure, OperatorError].some((kind) => error instanceof kind);
  if (isExpected) return [readableError(error).join(': ')];
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
}
