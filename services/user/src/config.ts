import { type Static, Type } from 'typebox';

/** What this service reads of its environment, besides what all services share. */
export const config = Type.Object({
  ACCESS_TOKEN_SECONDS: Type.Integer({
    minimum: 10,
    maximum: 86_400,
    default: 900,
    description: 'Seconds that an access token lives.',
  }),
  SESSION_DAYS: Type.Integer({
    minimum: 1,
    maximum: 365,
    default: 30,
    description: 'Days that a session lives without being refreshed.',
  }),
});

export type UserConfig = Static<typeof config>;
