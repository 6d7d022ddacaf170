import { formatMoney } from '@warren/contracts';
import { type Language, languages, type NoticeKind, type ShownAs } from '@warren/notification-contract';
import { nameInSentence, type Place } from './names.js';
import type { NoticeValues } from './notices.js';
import { knownPerson, type Person } from './people.js';

/** How a value's schema says that it is shown. */
interface ShownSchema {
  as?: ShownAs;
  currency?: string;
}

/** The language of a locale (BCP 47), the first of all for those that notices don't speak. */
export function languageOf(locale: string): Language {
  const [language] = locale.toLowerCase().split('-');
  return languages.find((each) => each === language) ?? languages[0];
}

/** The people that a notice of this kind names. */
export function peopleNamed(kind: NoticeKind, values: NoticeValues): string[] {
  return Object.entries(kind.values.properties).flatMap(([name, schema]) => {
    const value = values[name];
    return (schema as ShownSchema).as === 'person' && typeof value === 'string' ? [value] : [];
  });
}

export interface Reader {
  locale: string;
  timeZone: string;
}

/**
 * The values as the reader sees them in this place: amounts and times in their locale and zone, people by name.
 *
 * @throws UnknownPersonError for a name that has not come yet
 */
export function shownValues(
  kind: NoticeKind,
  values: NoticeValues,
  reader: Reader,
  people: readonly Person[],
  place: Place,
): Record<string, string> {
  const shown = Object.entries(values).map(([name, value]) => {
    const { as, currency } = (kind.values.properties[name] ?? {}) as ShownSchema;
    if (as === 'money')
      return [name, formatMoney(Number(value), String(values[currency ?? '']), reader.locale)];
    if (as === 'time') return [name, formatTime(String(value), reader)];
    if (as !== 'person') return [name, String(value)];
    const { displayName } = knownPerson(people, String(value));
    return [name, nameInSentence(displayName, languageOf(reader.locale), place)];
  });
  return Object.fromEntries(shown);
}

/** With the zone, since the reader may be elsewhere. Unknown locales fall back to English, unknown zones to UTC. */
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
      // The next pair leaves out what was unknown.
    }
  }
  return new Intl.DateTimeFormat('en', { ...options, timeZone: 'UTC' }).format(at);
}
