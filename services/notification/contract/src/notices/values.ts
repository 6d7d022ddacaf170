import { Id } from '@warren/contracts';
import { Type } from 'typebox';

/**
 * The types of value that notices are made of. `as` says how one is shown to its reader; it is no JSON Schema keyword,
 * and validators pass it by.
 */
export type ShownAs = 'text' | 'money' | 'time' | 'person';

/** What PostgreSQL's text can hold: anything but NUL and lone surrogates. */
export const storable = '^[^\\u0000\\ud800-\\udfff]*$';

/** Shown as it is. */
export const TextValue = Type.String({ maxLength: 200, pattern: storable });

/** An amount in minor units; `currency` names the value that holds its currency. Shown in the reader's locale. */
export function moneyValue(currency: string) {
  return Type.Integer({ minimum: 0, maximum: 999_999_999_999, as: 'money', currency });
}

/** RFC 3339. Shown in the reader's locale and time zone. */
export const TimeValue = Type.String({ format: 'date-time', as: 'time' });

/** A user's id. Shown as their name, which therefore lies nowhere but in the text. */
export const PersonValue = Type.String({ ...Id, as: 'person' });
