import { defineContract } from '@warren/contracts';
import { type Static, Type } from 'typebox';

/** One broadcast, numbered from 1. */
export const News = Type.Object({ number: Type.Integer({ minimum: 1 }) }, { additionalProperties: false });
export type News = Static<typeof News>;

export const service = 'herald';
export const newsTold = 'herald.told';

/** A service that consumes its own broadcasts and adds each to every user's feed. */
export const contract = defineContract({
  service,
  emits: { [newsTold]: News },
  commands: {},
  feed: { [newsTold]: News },
});
