import { describe, expect, it } from '@jest/globals';
import { currencies, formatMoney, minorUnitDigits } from '@warren/contracts';

describe('money', () => {
  it.each([
    ['JPY', 0],
    ['EUR', 2],
    ['KWD', 3],
  ])('%s has %i minor digits', (currency, digits) => expect(minorUnitDigits(currency)).toBe(digits));

  it('writes the amount in the right minor units for the reader', () => {
    expect(formatMoney(1250, 'EUR', 'en')).toBe('€12.50');
    expect(formatMoney(1250, 'JPY', 'en')).toBe('¥1,250');
    expect(formatMoney(1250, 'KWD', 'en')).toBe('KWD\u00a01.250');
    expect(formatMoney(5, 'EUR', 'en')).toBe('€0.05');
  });

  it('loses no unit of an amount past the precision of a double in major units', () => {
    expect(formatMoney(999_999_999_999, 'KWD', 'en')).toBe('KWD\u00a0999,999,999.999');
  });

  it('writes every currency with all its digits, whatever the locale would do', () => {
    for (const currency of currencies) {
      const digits = minorUnitDigits(currency);
      const text = formatMoney(1, currency, 'en').replace(/[^0-9]/g, '');
      expect({ currency, text }).toEqual({ currency, text: '1'.padStart(digits + 1, '0') });
    }
  });

  it('falls back to English for a locale that is none', () => {
    expect(formatMoney(1250, 'EUR', 'not a locale')).toBe('€12.50');
  });

  it('can be read in a currency that is no longer taken', () => {
    expect(currencies).not.toContain('BGN');
    expect(formatMoney(1250, 'BGN', 'en')).toMatch(/12\.50$/);
  });

  it('refuses what is no code', () => {
    for (const code of ['', 'eur', 'EURO', 'E1R']) expect(() => minorUnitDigits(code)).toThrow(RangeError);
  });
});
