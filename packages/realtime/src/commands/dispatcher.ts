import { AppError } from '@warren/contracts';
import { DeadlineError, withDeadline } from '@warren/timing';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import {
  commandTimeoutMs,
  concurrentCommands,
  type RealtimeLimits,
  refusalBurstSeconds,
} from '../limits/limits.js';
import { TokenBuckets } from '../limits/token-buckets.js';
import type { ConnectedSocket } from '../sockets/connected-socket.js';
import type { Answer, RunnableCommand } from './command.js';
import { type Acknowledge, type CommandPacket, readInput, readPacket } from './packet.js';

export interface DispatcherOptions {
  commands: ReadonlyMap<string, RunnableCommand>;
  limits: RealtimeLimits;
  log: Logger;
}

/** Runs the commands that clients send, and turns every failure into an answer with an error code. */
export class CommandDispatcher {
  readonly #options: DispatcherOptions;
  readonly #accepted: TokenBuckets;
  readonly #refused: TokenBuckets;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { commandsPerSecond: perSecond } = options.limits;
    this.#accepted = new TokenBuckets({ perSecond, burst: perSecond * 2 });
    this.#refused = new TokenBuckets({ perSecond, burst: perSecond * refusalBurstSeconds });
  }

  /** Handles one event packet, given as Socket.IO's event arguments. Never throws, whatever they contain. */
  handle(socket: ConnectedSocket, eventArguments: readonly unknown[]): void {
    const packet = readPacket(eventArguments);
    const { userId } = socket.principal;
    if (!this.#accepted.take(userId)) {
      // Counted for all sockets of the user, so that reconnecting doesn't help.
      if (this.#refused.take(userId)) this.#acknowledge(packet, rateLimited);
      else socket.end('rate-limited');
      return;
    }
    const command = typeof packet.name === 'string' && this.#options.commands.get(packet.name);
    if (command) this.#handle(socket, packet, command);
    else this.#acknowledge(packet, unknownCommand);
  }

  #handle(socket: ConnectedSocket, packet: CommandPacket, command: RunnableCommand): void {
    const correlationId = uuidv7();
    this.#run(socket, packet, command, correlationId)
      .then(
        (answer) => {
          this.#acknowledge(packet, { ok: true, data: answer.data ?? null });
          answer.afterwards?.();
        },
        (error: unknown) => this.#answerError(socket, packet, correlationId, error),
      )
      .catch((error: unknown) =>
        this.#options.log.error({ err: error, correlationId }, 'could not answer a command'),
      );
  }

  async #run(
    socket: ConnectedSocket,
    packet: CommandPacket,
    command: RunnableCommand,
    correlationId: string,
  ): Promise<Answer> {
    this.#checkLimits(socket, packet);
    const { input, commandId } = readInput(packet.arguments);
    const { principal } = socket;
    const work = command.run(input, { principal, commandId, correlationId }, socket);
    return withDeadline(socket.trackCommand(work), commandTimeoutMs, `${command.name} took too long`);
  }

  #checkLimits(socket: ConnectedSocket, { bytes }: CommandPacket): void {
    const { limits } = this.#options;
    if (bytes > limits.payloadSoftBytes) throw new AppError('payload-too-large');
    if (socket.runningCommands >= concurrentCommands) throw new AppError('rate-limited');
    // The answer would only add to what this client has not read.
    if (socket.unsentBytes() > limits.unsentBytes) throw new AppError('rate-limited');
  }

  #answerError(socket: ConnectedSocket, packet: CommandPacket, correlationId: string, error: unknown): void {
    const known = asAppError(error);
    if (known.cause !== undefined) {
      const { userId } = socket.principal;
      this.#options.log[known.status >= 500 ? 'error' : 'debug'](
        { err: known.cause, code: known.code, command: String(packet.name), userId, correlationId },
        'command failed',
      );
    }
    this.#acknowledge(packet, { ok: false, error: known.toWire() });
  }

  #acknowledge({ acknowledge }: CommandPacket, answer: unknown): void {
    if (acknowledge) tryAcknowledge(acknowledge, answer, this.#options.log);
  }
}

/** Created once, since a flood is answered with these. */
const rateLimited = { ok: false, error: new AppError('rate-limited').toWire() } as const;
const unknownCommand = { ok: false, error: new AppError('unknown-command').toWire() } as const;

/** After the deadline the handler goes on and may still succeed, so the client can't know the outcome. */
function asAppError(error: unknown): AppError {
  return error instanceof DeadlineError
    ? new AppError('outcome-unknown', { cause: error })
    : AppError.from(error);
}

/** Answers `internal` if a handler returned something that JSON can't represent. */
function tryAcknowledge(acknowledge: Acknowledge, answer: unknown, log: Logger): void {
  try {
    acknowledge(answer);
  } catch (error) {
    log.error({ err: error }, 'could not encode the answer to a command');
    acknowledge({ ok: false, error: new AppError('internal').toWire() });
  }
}
