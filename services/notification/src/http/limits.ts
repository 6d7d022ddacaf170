/** Requests of one person. Somebody who clears their inbox by hand sends many marks, but nobody changes settings often. */
export const mostPerMinute = { marks: 600, settings: 60 } as const;
