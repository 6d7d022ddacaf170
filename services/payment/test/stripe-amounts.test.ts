import { describe, expect, it } from '@jest/globals';
import { toStripeAmount } from '../src/providers/stripe/amounts.js';

describe('the amount sent to Stripe', () => {
  it.each([
    ['EUR', 1250, 1250],
    ['JPY', 500, 500],
    ['KWD', 1_230, 1_230],
    ['KWD', 1_234, undefined],
    ['UGX', 500, 50_000],
    ['ISK', 7, 700],
    ['MGA', 500, 5],
    ['MGA', 550, undefined],
  ])('for %s %i is %p', (currency, amount, counted) => {
    expect(toStripeAmount(amount, currency)).toBe(counted);
  });
});
