import { describe, expect, it } from '@jest/globals';
import { toStripeAmount } from '../src/providers/stripe/amounts.js';

describe('an amount as Stripe counts it', () => {
  it.each([
    ['EUR', 1250, 1250],
    ['JPY', 500, 500],
    ['KWD', 1_230, 1_230],
    ['KWD', 1_234, undefined],
    ['UGX', 500, 50_000],
    ['ISK', 7, 700],
    ['MGA', 500, 5],
    ['MGA', 550, undefined],
  ])('%s %i', (currency, amount, counted) => {
    expect(toStripeAmount(amount, currency)).toBe(counted);
  });
});
