/**
 * Digits after the decimal point of each active currency that has other than two.
 * @see ISO 4217:2015, list one (active codes), column "minor unit".
 */
const exceptions: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
};

const twoDigits =
  'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY ' +
  'COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ' +
  'ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK ' +
  'MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP ' +
  'SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG';

/** The currencies that payments accept, as ISO 4217 alphabetic codes. */
export const currencies: readonly string[] = [...Object.keys(exceptions), ...twoDigits.split(' ')].sort();

const code = /^[A-Z]{3}$/;

/**
 * How many digits of the integer amount come after the decimal point: JPY 0, EUR 2, KWD 3. Two where the currency isn't
 * on the list: what was paid in one stays readable when it is given up, or before this build has heard of it.
 *
 * @throws RangeError for what is no code at all
 */
export function minorUnitDigits(currency: string): number {
  if (!code.test(currency)) throw new RangeError(`${currency} is no ISO 4217 code`);
  return exceptions[currency] ?? 2;
}

/**
 * Writes an amount in minor units for a reader: `formatMoney(1250, 'EUR', 'de-DE')` is `12,50 €`.
 *
 * Digits follow ISO 4217, not the locale's habits, so no unit is ever rounded away. An unknown locale falls
 * back to English.
 */
export function formatMoney(amount: number, currency: string, locale: string): string {
  const digits = minorUnitDigits(currency);
  const sign = amount < 0 ? '-' : '';
  const padded = String(Math.abs(amount)).padStart(digits + 1, '0');
  const whole = padded.slice(0, padded.length - digits);
  const decimal = (
    digits ? `${sign}${whole}.${padded.slice(-digits)}` : `${sign}${whole}`
  ) as Intl.StringNumericLiteral;
  const options = {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(supportedLocale(locale), options).format(decimal);
}

function supportedLocale(locale: string): string {
  try {
    return Intl.NumberFormat.supportedLocalesOf(locale)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
