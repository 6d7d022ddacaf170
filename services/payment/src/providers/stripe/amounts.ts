import { minorUnitDigits } from '@warren/contracts';

/**
 * Digits after the decimal point where Stripe's amounts have others than ISO 4217.
 * @see https://docs.stripe.com/currencies#special-cases and #zero-decimal
 */
const stripeDigits: Readonly<Record<string, number>> = { ISK: 2, UGX: 2, MGA: 0 };

/** Of three-decimal currencies Stripe takes no amount whose last digit isn't zero. */
const threeDecimalStep = 10;

/** The amount as Stripe counts it; `undefined` for one that it can't express. */
export function toStripeAmount(amount: number, currency: string): number | undefined {
  const ours = minorUnitDigits(currency);
  const theirs = stripeDigits[currency] ?? ours;
  const counted = theirs < ours ? amount / 10 ** (ours - theirs) : amount * 10 ** (theirs - ours);
  if (!Number.isSafeInteger(counted)) return undefined;
  return theirs === 3 && counted % threeDecimalStep !== 0 ? undefined : counted;
}
