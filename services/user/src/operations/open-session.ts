import type { UserTx } from '../context.js';
import type { SessionClient } from '../domain/sessions.js';
import type { Session } from '../generated/prisma/client.js';
import { insertSession, surplusSessions } from '../store/sessions.js';
import type { EndSessions } from './end-sessions.js';

export interface Opening {
  userId: string;
  client: SessionClient;
  now: Date;
  expiresAt: Date;
  tokensEndAt: Date;
}

/** Opens a session; one too many for a person ends the one used longest ago. The caller holds the person's row. */
export async function openSession(tx: UserTx, opening: Opening, endSessions: EndSessions): Promise<Session> {
  const { userId, now } = opening;
  const ids = await surplusSessions(tx, userId, now);
  if (ids.length > 0) await endSessions(tx, { userId, which: { ids }, reason: 'revoked', now });
  return await insertSession(tx, opening);
}
