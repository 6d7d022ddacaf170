import { command } from '@warren/service-kit';
import { userContract } from '@warren/user-contract';
import type { Watchers } from '../presence/watchers.js';

export function presenceCommands(watchers: Watchers) {
  return [
    command(userContract, 'presence.watch', async ({ userIds }, { principal }, socket) => ({
      presences: await watchers.watch(socket, principal.userId, userIds),
    })),
    command(userContract, 'presence.unwatch', async ({ userIds }, _context, socket) => {
      watchers.unwatch(socket, userIds);
      return {};
    }),
  ];
}
