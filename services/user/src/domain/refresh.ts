/** Milliseconds in which a repeated refresh (a lost answer, two tabs at once) gets the same successor. */
export const refreshGrace = 30_000;

export interface SessionState {
  /** The number of the newest refresh token. */
  generation: number;
  rotatedAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
}

export type RefreshDecision = 'rotate' | 'repeat' | 'reused' | 'revoked' | 'expired';

/** What a genuine refresh token of this generation may bring. `reused` means that somebody else holds a copy. */
export function decideRefresh(session: SessionState, generation: number, now: Date): RefreshDecision {
  if (session.revokedAt) return 'revoked';
  if (session.expiresAt <= now) return 'expired';
  if (generation === session.generation) return 'rotate';
  const isPrevious = generation === session.generation - 1;
  const isRecent = now.getTime() - session.rotatedAt.getTime() <= refreshGrace;
  return isPrevious && isRecent ? 'repeat' : 'reused';
}
