/** So many requests a minute of one person on one instance. */
export function perMinute(max: number) {
  return { max, timeWindow: '1 minute' };
}

/** Marks come by the dozen from somebody who clears their inbox by hand, settings don't. */
export const mostPerMinute = { marks: 600, settings: 60 } as const;
