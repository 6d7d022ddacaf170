export const services = ['user', 'payment', 'notification'] as const;
export type Service = (typeof services)[number];

/** The number of instances of each service. */
export const instanceCount = 2;
