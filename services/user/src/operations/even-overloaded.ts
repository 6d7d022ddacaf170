/**
 * For what lets people in or ends somebody's access: it isn't put off while too much waits for the broker. An outage
 * is no time to keep people out, or a thief in. It publishes little, and the limits of its own routes bound that.
 */
export const evenOverloaded = { admit: false } as const;
