import { AppError, type CommandInput, type CommandOutput, type ServiceContract } from '@warren/contracts';
import { compileWriter } from '@warren/contracts/validation';
import type { CommandContext, CommandSocket, SocketCommand } from '@warren/realtime';

/**
 * A socket command as the contract states it. Input that doesn't fit throws `invalid-request` with pointers;
 * `handle` gets it typed.
 */
export function command<C extends ServiceContract, N extends keyof C['commands'] & string>(
  contract: C,
  name: N,
  handle: (
    input: CommandInput<C, N>,
    context: CommandContext,
    socket: CommandSocket,
  ) => Promise<CommandOutput<C, N>>,
): SocketCommand {
  const stated = contract.commands[name];
  if (stated === undefined) throw new TypeError(`${contract.service} has no command ${name} in its contract`);
  const checkInput = compileWriter(stated.input);
  return {
    name,
    check(input) {
      const checked = checkInput(input);
      if (!checked.ok) throw new AppError('invalid-request', { errors: checked.errors });
      return checked.value;
    },
    handle: (input, context, socket) => handle(input as CommandInput<C, N>, context, socket),
  };
}
