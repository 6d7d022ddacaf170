import type { CommandContext, SocketCommand } from '../api.js';
import type { ConnectedSocket } from '../sockets/connected-socket.js';

/** A command as the dispatcher runs it. Commands of the protocol itself also act on the socket. */
export interface RunnableCommand {
  name: string;
  run(input: Record<string, unknown>, context: CommandContext, socket: ConnectedSocket): Promise<Answer>;
}

export interface Answer {
  /** The `data` of the acknowledgement. */
  data: unknown;
  /** Runs right after the acknowledgement is written, in the same turn of the event loop. */
  afterwards?: () => void;
}

export function fromService(command: SocketCommand): RunnableCommand {
  return {
    name: command.name,
    run: async (input, context, socket) => ({
      data: await command.handle(command.check(input), context, socket),
    }),
  };
}

/** Throws if two commands have the same name. */
export function commandTable(commands: readonly RunnableCommand[]): ReadonlyMap<string, RunnableCommand> {
  const table = new Map<string, RunnableCommand>();
  for (const command of commands) {
    if (table.has(command.name)) throw new Error(`Two socket commands are named ${command.name}`);
    table.set(command.name, command);
  }
  return table;
}
