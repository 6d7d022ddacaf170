import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Refresh tokens rotate, and the service detects their reuse (RFC 9700, section 4.14.2), with one exception.
 *
 * A token that is presented again within `refreshGraceMs` of its rotation gets the same successor again, even if the
 * successor was used in between. A response may be lost, and several tabs may present the same token, even across two
 * rotations. A token that is presented later than that ends the session.
 *
 * A thief gains nothing lasting from the exception. If the thief repeats a stolen token in time, thief and owner share
 * one chain of tokens, in which each token rotates once. As soon as both continue, one of them presents a token whose
 * grace has ended, and the session ends for both. So the thief keeps access only until the next refresh, as a thief
 * would who had presented the token first.
 */
export const refreshGraceMs = 30_000;

/** The most rotations that a session keeps, and therefore the most that it may have within the grace. */
export const mostRotations = 100;

/** The moment when the refresh token of this generation was exchanged, in milliseconds since 1970. */
export interface Rotation {
  generation: number;
  at: number;
}

export interface SessionState {
  /** The number of the newest refresh token. */
  generation: number;
  /** The latest rotations, oldest first. */
  rotations: readonly Rotation[];
  expiresAt: Date;
  revokedAt: Date | null;
}

export type RefreshDecision =
  | { kind: 'rotate'; rotations: Rotation[] }
  /** The token gets the successor that it got before, which has this generation. */
  | { kind: 'repeat'; generation: number }
  /** The token was spent too long ago: somebody else holds a copy. */
  | { kind: 'reused' }
  | { kind: 'too-often' }
  | { kind: 'revoked' }
  | { kind: 'expired' };

/** Decides what happens to a session when a genuine refresh token of this generation is presented. */
export function decideRefresh(session: SessionState, generation: number, now: Date): RefreshDecision {
  if (session.revokedAt) return { kind: 'revoked' };
  if (session.expiresAt <= now) return { kind: 'expired' };
  const recent = session.rotations.filter(({ at }) => now.getTime() - at <= refreshGraceMs);
  if (generation === session.generation) {
    if (recent.length >= mostRotations) return { kind: 'too-often' };
    return { kind: 'rotate', rotations: [...recent, { generation, at: now.getTime() }] };
  }
  const isRecent = recent.some((rotation) => rotation.generation === generation);
  return isRecent ? { kind: 'repeat', generation: generation + 1 } : { kind: 'reused' };
}

/** The parts of a refresh token. `isGenuine` checks them. */
export interface RefreshClaim {
  sessionId: string;
  generation: number;
  mac: string;
}

const shape = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/;

/**
 * A session's refresh token of one generation. It is computed from the session's key. So no token is stored, and a
 * repeated refresh gives the same successor.
 */
export function writeRefreshToken(sessionId: string, generation: number, key: Uint8Array): string {
  return `${sessionId}.${generation}.${macOf(sessionId, generation, key)}`;
}

/** `undefined` if the text is no refresh token. */
export function readRefreshToken(token: string): RefreshClaim | undefined {
  const [, sessionId, generation, mac] = shape.exec(token) ?? [];
  if (!sessionId || !mac) return undefined;
  return { sessionId, generation: Number(generation), mac };
}

export function isGenuine({ sessionId, generation, mac }: RefreshClaim, key: Uint8Array): boolean {
  return timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(sessionId, generation, key)));
}

function macOf(sessionId: string, generation: number, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${sessionId}.${generation}`).digest('base64url');
}
