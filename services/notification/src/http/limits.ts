/** Marks come by the dozen from somebody who clears their inbox by hand, settings don't. */
export const mostPerMinute = { marks: 600, settings: 60 } as const;
