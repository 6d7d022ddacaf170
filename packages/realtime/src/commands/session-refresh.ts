import { AppError } from '@warren/contracts';
import type { VerifyToken } from '../api.js';
import { verify } from '../server/handshake.js';
import type { RunnableCommand } from './command.js';

/** Gives a socket a new token for the same user and session, so that it need not reconnect. */
export function sessionRefresh(verifyToken: VerifyToken): RunnableCommand {
  return {
    name: 'session.refresh',
    run: async ({ token }, { principal }, socket) => {
      const renewed = await verify(token, verifyToken);
      const same = renewed.userId === principal.userId && renewed.sessionId === principal.sessionId;
      if (!same) throw new AppError('forbidden', { detail: 'The token is of another user or session' });
      socket.renew(renewed);
      return { data: { expiresInMs: Math.max(0, renewed.expiresAt - Date.now()) } };
    },
  };
}
