import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a refresh token says of itself, before its authenticity is checked. */
export interface RefreshClaim {
  sessionId: string;
  generation: number;
  mac: string;
}

const shape = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/;

/**
 * A session's refresh token of one generation. It follows from the session's key alone: nothing has to be
 * stored per token, and a repeated refresh gives the same successor.
 */
export function writeRefreshToken(sessionId: string, generation: number, key: Uint8Array): string {
  return `${sessionId}.${generation}.${macOf(sessionId, generation, key)}`;
}

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
