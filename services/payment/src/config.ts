import { Type } from 'typebox';

export const config = Type.Object({
  SANDBOX_SLOW_MS: Type.Integer({
    minimum: 0,
    maximum: 600_000,
    default: 8_000,
    description: 'Milliseconds that the sandbox takes for `pm_card_slow`.',
  }),
});
