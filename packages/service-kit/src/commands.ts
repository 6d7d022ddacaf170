import {
  AppError,
  type CommandContract,
  type CommandInput,
  type CommandOutput,
  type ServiceContract,
} from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import type { CommandContext, CommandSocket, SocketCommand } from '@warren/realtime';
import type { Static, TSchema } from 'typebox';
import type { Metrics } from './observe/metrics.js';

/** The handlers of a service's commands: exactly one for each command of the contract. */
export type Commands<C extends ServiceContract> = {
  readonly [Name in keyof C['commands'] & string]: (
    input: CommandInput<C, Name>,
    context: CommandContext,
    socket: SocketOf<C>,
  ) => Promise<CommandOutput<C, Name>>;
};

type Ephemeral<C extends ServiceContract> = C extends { ephemeral: infer E extends Record<string, TSchema> }
  ? E
  : Record<never, TSchema>;

type DataOf<Schema> = Schema extends TSchema ? Static<Schema> : never;

/** The socket that sent a command. It takes the events that the contract lists as `ephemeral`. */
export interface SocketOf<C extends ServiceContract> extends Pick<CommandSocket, 'onLeave'> {
  /** Sends an event at most once. Returns false, and sends nothing, if the socket reads too slowly or has left. */
  tell<Name extends keyof Ephemeral<C> & string>(event: Name, data: DataOf<Ephemeral<C>[Name]>): boolean;
}

/**
 * The commands of a contract with their handlers, for the realtime node. Input that doesn't fit the contract is refused as
 * `invalid-request`, with pointers.
 *
 * @throws TypeError if a command of the contract has no handler, or a handler no command
 */
export function socketCommands<C extends ServiceContract>(
  contract: C,
  handlers: Commands<C> | undefined,
): SocketCommand[] {
  // Each handler takes what its own schema describes, and `check` comes before `handle`.
  const byName = new Map(Object.entries<SocketCommand['handle']>({ ...handlers }));
  const { service, commands } = contract;
  for (const name of byName.keys()) {
    if (!Object.hasOwn(commands, name))
      throw new TypeError(`${service} handles the command ${name}, which its contract does not have`);
  }
  return Object.entries(commands).map(([name, stated]) => {
    const handle = byName.get(name);
    if (!handle) throw new TypeError(`${service} has no handler for the command ${name} of its contract`);
    return { name, check: checkOf(stated), handle };
  });
}

function checkOf({ input: schema }: CommandContract): SocketCommand['check'] {
  const check = compileWriter(schema);
  return (input) => {
    const checked = check(input);
    if (!checked.ok) throw new AppError('invalid-request', { errors: checked.errors });
    return checked.value;
  };
}

/** The same command, which also measures its duration by outcome. */
export function timedCommand(command: SocketCommand, metrics: Metrics): SocketCommand {
  return {
    ...command,
    async handle(input, context, socket) {
      const end = metrics.commands.startTimer({ command: command.name });
      try {
        const output = await command.handle(input, context, socket);
        end({ outcome: 'ok' });
        return output;
      } catch (error) {
        end({ outcome: AppError.from(error).code });
        throw error;
      }
    },
  };
}
