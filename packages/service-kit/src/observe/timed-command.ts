import { AppError } from '@warren/contracts';
import type { SocketCommand } from '@warren/realtime';
import type { Metrics } from './metrics.js';

/** The same command, its durations measured by outcome. */
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
