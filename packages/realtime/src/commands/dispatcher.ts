import { AppError } from '@warren/contracts';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { RealtimeLimits } from '../api.js';
import type { ConnectedSocket } from '../connected-socket.js';
import { commandsAtOnce, commandTimeout, refusedBurstSeconds } from '../limits/defaults.js';
import { TokenBuckets } from '../limits/token-buckets.js';
import { DeadlineError, withDeadline } from '../timing.js';
import type { Answer, RunnableCommand } from './command.js';
import { type Acknowledge, type CommandPacket, readInput, readPacket } from './packet.js';

export interface DispatcherOptions {
  commands: ReadonlyMap<string, RunnableCommand>;
  limits: RealtimeLimits;
  log: Logger;
}

/** The edge where a client's events become commands, and whatever goes wrong becomes a coded answer. */
export class CommandDispatcher {
  readonly #options: DispatcherOptions;
  readonly #taken: TokenBuckets;
  readonly #refused: TokenBuckets;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { commandsPerSecond } = options.limits;
    this.#taken = new TokenBuckets(commandsPerSecond, commandsPerSecond * 2);
    this.#refused = new TokenBuckets(commandsPerSecond, commandsPerSecond * refusedBurstSeconds);
  }

  /** Takes one event packet, as Socket.IO hands it over. Never throws, whatever is in it. */
  handle(socket: ConnectedSocket, eventArguments: readonly unknown[]): void {
    const packet = readPacket(eventArguments);
    const { userId } = socket.principal;
    if (!this.#taken.take(userId)) {
      // Over all sockets of the user: who comes back and goes on is ended again.
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
        (error: unknown) => this.#refuse(socket, packet, correlationId, error),
      )
      .catch((error: unknown) => this.#options.log.error({ err: error, correlationId }, 'answer failed'));
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
    return withDeadline(socket.running.track(work), commandTimeout, command.name);
  }

  #checkLimits(socket: ConnectedSocket, { bytes }: CommandPacket): void {
    const { limits } = this.#options;
    if (bytes > limits.payloadSoftBytes) throw new AppError('payload-too-large');
    if (socket.running.count >= commandsAtOnce) throw new AppError('rate-limited');
    // Answers would only pile up behind what this client doesn't read.
    if (socket.unsentBytes() > limits.unsentBytes) throw new AppError('rate-limited');
  }

  #refuse(socket: ConnectedSocket, packet: CommandPacket, correlationId: string, error: unknown): void {
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

/** Made once: what is refused in great numbers must cost next to nothing. */
const rateLimited = { ok: false, error: new AppError('rate-limited').toWire() } as const;
const unknownCommand = { ok: false, error: new AppError('unknown-command').toWire() } as const;

/** A handler that runs on may still succeed, so its client can't know. */
function asAppError(error: unknown): AppError {
  return error instanceof DeadlineError
    ? new AppError('outcome-unknown', { cause: error })
    : AppError.from(error);
}

/** An answer that can't be put into JSON is the service's mistake; its client still gets one. */
function tryAcknowledge(acknowledge: Acknowledge, answer: unknown, log: Logger): void {
  try {
    acknowledge(answer);
  } catch (error) {
    log.error({ err: error }, 'answer could not be encoded');
    acknowledge({ ok: false, error: new AppError('internal').toWire() });
  }
}
