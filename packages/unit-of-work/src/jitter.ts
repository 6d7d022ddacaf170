/** `ms` give or take a quarter, so that instances which began together don't stay together. */
export const jittered = (ms: number): number => ms * (0.75 + Math.random() / 2);
