/** What a session is remembered by: how and from where somebody signed in. */
export interface SessionClient {
  userAgent?: string | undefined;
  /** An IP address. */
  address?: string | undefined;
}

const longestUserAgent = 256;
const longestAddress = 64;

/** Most sessions of one person; a sign-in beyond them ends the one that was used longest ago. */
export const mostSessions = 100;

const unwritable = /[\p{Cc}\p{Cs}]/gu;

/** As it may be stored: bounded, and without what is no text. */
export function checkClient({ userAgent, address }: SessionClient): {
  userAgent: string | null;
  address: string | null;
} {
  return { userAgent: bounded(userAgent, longestUserAgent), address: bounded(address, longestAddress) };
}

/** Half of a surrogate pair may be what a cut leaves, so the cut comes first. */
function bounded(text: string | undefined, most: number): string | null {
  return text?.slice(0, most).replace(unwritable, '').trim() || null;
}

/** Seconds: what clocks of this and other services may differ by. */
const clockAllowance = 60;

/** By then, an access token that is given at this time has expired everywhere. `lifetime` in seconds. */
export function tokensEnd(at: Date, lifetime: number): Date {
  return new Date(at.getTime() + (lifetime + clockAllowance) * 1_000);
}

/** The later one. */
export function latest(one: Date, other: Date | null): Date {
  return other && other > one ? other : one;
}
