import { minorUnitDigits } from '@warren/contracts';

/**
 * Digits after the decimal point of currencies for which Stripe differs from ISO 4217.
 * @see https://docs.stripe.com/currencies#special-cases and #zero-decimal
 */
const stripeDigits: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/** In currencies with three decimals, Stripe accepts only amounts whose last digit is zero. */
const threeDecimalStep = 10;

/** The amount in Stripe's unit; `undefined` if Stripe cannot express it. */
export function toStripeAmount(amount: number, currency: string): number | undefined {
  const ours = minorUnitDigits(currency);
  const theirs = stripeDigits[currency] ?? ours;
  const counted = theirs < ours ? amount / 10 ** (ours - theirs) : amount * 10 ** (theirs - ours);
  if (!Number.isSafeInteger(counted)) return undefined;
  return theirs === 3 && counted % threeDecimalStep !== 0 ? undefined : counted;
}
