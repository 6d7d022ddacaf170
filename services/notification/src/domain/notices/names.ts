import { presentableName } from '@warren/contracts';
import type { Language } from './kind.js';

/**
 * Where a name is read: in the inbox, or outside it, where the reader takes a mail or a push as this service's words.
 */
export type Place = 'inbox' | 'outside';

/** Replaces the name of a person who has deleted their account. */
const nobody: Readonly<Record<Language, string>> = { en: 'a deleted account', de: 'ein gelöschtes Konto' };
/** Replaces a name from an older build that can't be shown. */
const unnamed: Readonly<Record<Language, string>> = {
  en: 'an account without a name',
  de: 'ein Konto ohne Namen',
};

const quotes: Readonly<Record<Language, readonly [string, string]>> = { en: ['“', '”'], de: ['„', '“'] };

/** Most characters of a name outside the inbox, as readers count them. It leaves no room for a message. */
const longestOutside = 40;

/**
 * A name as others read it in a sentence. Outside the inbox it is shortened and quoted, so that nobody takes it for
 * this service's words. A name in a right-to-left script is isolated (UAX #9), since it would reorder the sentence.
 */
export function nameInSentence(name: string | null, language: Language, place: Place): string {
  if (name === null) return nobody[language];
  const shown = presentableName(name);
  if (shown === undefined) return unnamed[language];
  if (place === 'inbox') return isolated(shown);
  const [open, close] = quotes[language];
  return `${open}${isolated(shortened(shown))}${close}`;
}

const characters = new Intl.Segmenter('und', { granularity: 'grapheme' });

function shortened(name: string): string {
  const parts = [...characters.segment(name)].map(({ segment }) => segment);
  return parts.length <= longestOutside ? name : `${parts.slice(0, longestOutside - 1).join('')}…`;
}

/** Hebrew to Arabic Extended, their presentation forms, the right-to-left planes, and the right-to-left marks. */
const rightToLeft = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

function isolated(name: string): string {
  return rightToLeft.test(name) ? `\u2068${name}\u2069` : name;
}
