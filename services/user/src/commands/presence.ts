import type { Commands } from '@warren/service-kit';
import type { userContract } from '@warren/user-contract';
import type { PresenceWatchers } from './watchers.js';

export function presenceCommands(watchers: PresenceWatchers): Commands<typeof userContract> {
  return {
    'presence.watch': async ({ userIds }, { principal }, socket) => ({
      presences: await watchers.watch(socket, principal.userId, userIds),
    }),
    'presence.unwatch': async ({ userIds }, _context, socket) => {
      watchers.unwatch(socket, userIds);
      return {};
    },
  };
}
