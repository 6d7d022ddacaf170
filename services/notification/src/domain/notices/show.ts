import { formatMoney } from '@warren/contracts';
import { knownPerson, type Person } from '../people.js';
import { type Language, languages, type NoticeKind } from './kind.js';
import { nameInSentence, type Place } from './names.js';
import type { NoticeValues } from './values.js';

/** The language of a locale (BCP 47), or the first language for a locale without texts. */
export function languageOf(locale: string): Language {
  const [language] = locale.toLowerCase().split('-');
  return languages.find((each) => each === language) ?? languages[0];
}

export interface Reader {
  locale: string;
  timeZone: string;
}

/**
 * The values as the reader sees them in this place: amounts and times in their locale and zone, people by name.
 *
 * @throws UnknownPersonError if there is no copy yet of a person whom the notice names
 */
export function shownValues(
  kind: NoticeKind,
  values: NoticeValues,
  { reader, language }: { reader: Reader; language: Language },
  people: readonly Person[],
  place: Place,
): Record<string, string | number> {
  const show = (name: string, value: string | number | boolean): string | number => {
    const type = kind.values[name];
    if (typeof type === 'object')
      return formatMoney(Number(value), String(values[type.money]), reader.locale);
    if (type === 'time') return formatTime(String(value), reader);
    // A selector of an ICU message can't contain a hyphen.
    if (type === 'code') return String(value).replaceAll('-', '_');
    if (type === 'count') return Number(value);
    if (type !== 'person') return String(value);
    const { displayName } = knownPerson(people, String(value));
    return nameInSentence(displayName, language, place);
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, show(name, value)]));
}

/**
 * A time with its zone, since the reader may be somewhere else. Unknown locales fall back to English, unknown zones to
 * UTC.
 */
export function formatTime(time: string, { locale, timeZone }: Reader): string {
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZoneName: 'short',
  };
  const at = new Date(time);
  for (const [language, zone] of [
    [locale, timeZone],
    ['en', timeZone],
    [locale, 'UTC'],
  ] as const) {
    try {
      return new Intl.DateTimeFormat([language, 'en'], { ...options, timeZone: zone }).format(at);
    } catch {
      // The locale or the zone is unknown. The next pair replaces one of them.
    }
  }
  return new Intl.DateTimeFormat('en', { ...options, timeZone: 'UTC' }).format(at);
}
