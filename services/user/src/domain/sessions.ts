/** How and from where somebody signed in. */
export interface SessionOrigin {
  userAgent?: string | undefined;
  /** An IP address. */
  address?: string | undefined;
}

const longestUserAgent = 256;
const longestAddress = 64;

/** The most active sessions of one user. A sign-in beyond them ends the session that was used longest ago. */
export const mostSessions = 100;

const controlCharacters = /[\p{Cc}\p{Cs}]/gu;

/** The origin as the database stores it: with bounded length, and without control characters and lone surrogates. */
export function storedOrigin({ userAgent, address }: SessionOrigin): {
  userAgent: string | null;
  address: string | null;
} {
  return { userAgent: bounded(userAgent, longestUserAgent), address: bounded(address, longestAddress) };
}

/** Cuts first, since a cut may leave half of a surrogate pair. */
function bounded(text: string | undefined, most: number): string | null {
  return text?.slice(0, most).replace(controlCharacters, '').trim() || null;
}

/** When sessions and their access tokens end. */
export interface Lifetimes {
  /** The end of a session that is opened or refreshed at `at`. */
  sessionEnd(at: Date): Date;
  /** The time by which an access token that is issued at `at` has expired everywhere. */
  tokensEnd(at: Date): Date;
}

/** The most seconds by which the clocks of this and other services may differ. */
const clockToleranceSeconds = 60;
const day = 86_400_000;

export function lifetimesOf({
  sessionDays,
  accessTokenSeconds,
}: {
  sessionDays: number;
  accessTokenSeconds: number;
}): Lifetimes {
  const tokenMs = (accessTokenSeconds + clockToleranceSeconds) * 1_000;
  return {
    sessionEnd: (at) => new Date(at.getTime() + sessionDays * day),
    tokensEnd: (at) => new Date(at.getTime() + tokenMs),
  };
}

/** The later one of two times. */
export function latest(one: Date, other: Date | null): Date {
  return other && other > one ? other : one;
}
