export const services = ['user', 'payment', 'notification'] as const;
export type Service = (typeof services)[number];

/** Of each service. */
export const instanceCount = 2;
