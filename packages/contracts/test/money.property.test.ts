import { describe, expect, it } from '@jest/globals';
import { currencies, formatMoney, minorUnitDigits } from '@warren/contracts';
import fc from 'fast-check';

const amount = fc.integer({ min: -999_999_999_999, max: 999_999_999_999 });
const locale = fc.constantFrom('en', 'de-DE', 'fr-CH', 'hi-IN', 'sv-SE', 'pt-BR', 'nonsense-locale-x');

/** All digits that a reader sees, as the integer that they make; these locales write Latin digits. */
function readBack(text: string): number {
  const sign = /[-−]/.test(text) ? -1 : 1;
  return sign * Number(text.replace(/[^0-9]/g, ''));
}

describe('formatMoney', () => {
  it('never loses or gains a minor unit, in any currency and locale', () => {
    fc.assert(
      fc.property(amount, fc.constantFrom(...currencies), locale, (units, currency, reader) => {
        const text = formatMoney(units, currency, reader).replace(currency, '');
        expect(readBack(text) + 0).toBe(units + 0);
        const decimals = /[.,](\d+)\D*$/.exec(text)?.[1] ?? '';
        const digits = minorUnitDigits(currency);
        if (digits > 0) expect(decimals).toHaveLength(digits);
      }),
      { numRuns: 2_000 },
    );
  });
});
