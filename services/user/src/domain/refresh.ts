/**
 * Refresh token rotation with reuse detection (RFC 9700, section 4.14.2), and its one exception.
 *
 * A token that comes back within `refreshGrace` of its own rotation gets its own successor again, whether or not that
 * one was used meanwhile: an answer may be lost, and tabs that share a token race, also over two rotations. Any token
 * that is older than that ends the whole session.
 *
 * The exception gives a thief nothing to keep. A stolen token that is repeated in time leads into the chain that its
 * owner goes on with; each token of a chain is rotated once. So as soon as both go on, one of them presents a token
 * whose grace is over, and the session ends for both. What is lost is only the time until the next refresh, as it
 * would be if the thief had been first.
 */
export const refreshGrace = 30_000;

/** Rotations that are remembered, and so the most that one session may have within the grace. */
export const mostRotations = 100;

/** When the refresh token of this generation was taken for its successor; milliseconds since 1970. */
export interface Rotation {
  generation: number;
  at: number;
}

export interface SessionState {
  /** The number of the newest refresh token. */
  generation: number;
  /** Those of the last moments, oldest first. */
  rotations: readonly Rotation[];
  expiresAt: Date;
  revokedAt: Date | null;
}

export type RefreshDecision =
  | { kind: 'rotate'; rotations: Rotation[] }
  /** The successor that the token was given before. */
  | { kind: 'repeat'; generation: number }
  /** Somebody else holds a copy. */
  | { kind: 'reused' }
  | { kind: 'too-often' }
  | { kind: 'revoked' }
  | { kind: 'expired' };

/** What a genuine refresh token of this generation brings. */
export function decideRefresh(session: SessionState, generation: number, now: Date): RefreshDecision {
  if (session.revokedAt) return { kind: 'revoked' };
  if (session.expiresAt <= now) return { kind: 'expired' };
  const recent = session.rotations.filter(({ at }) => now.getTime() - at <= refreshGrace);
  if (generation === session.generation) {
    if (recent.length >= mostRotations) return { kind: 'too-often' };
    return { kind: 'rotate', rotations: [...recent, { generation, at: now.getTime() }] };
  }
  const isRecent = recent.some((rotation) => rotation.generation === generation);
  return isRecent ? { kind: 'repeat', generation: generation + 1 } : { kind: 'reused' };
}
