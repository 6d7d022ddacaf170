/**
 * What people may be called. Names stand in sentences that others read, in mails that come from us: one that can't be
 * seen, that reorders the sentence around it or that is a link would speak in our name.
 */
export type DisplayNameFault = 'text' | 'invisible' | 'link';

/**
 * Characters that a name can do without: controls and line breaks, half characters, what turns the direction of the text
 * (UAX #9: embeddings, overrides, isolates), and what can't be seen. Not among them are those that writing systems and
 * emoji need: joiners, direction marks, variation selectors, tags of flags.
 */
const unwanted =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u206a-\u206f\u00ad\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufffb]/u;

/** A joiner joins something: a letter with its marks, or an emoji with its modifiers. */
const strayJoiner = /(?<![\p{L}\p{M}\p{Emoji_Modifier}\p{Extended_Pictographic}])[\u200c\u200d]/u;

/** Tags spell the flag that a black flag becomes, and nothing else (UTS #51, ED-14a). */
const strayTag = /(?<![\u{1f3f4}\u{e0020}-\u{e007e}])[\u{e0020}-\u{e007f}]|[\u{e0000}\u{e0001}]/u;

/** Letters, digits and emoji that show. */
const visible = /(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{Extended_Pictographic}\p{RI}]/u;

/**
 * A dot, or what name servers take for one (UTS #46), right before what could be a top-level domain: two letters or
 * more. `Dr. Smith`, `J.R.R. Tolkien` and `Ph.D.` have a space, or one letter.
 */
const domain = /[\p{L}\p{M}\p{N}-][.\u3002]\p{L}[\p{L}\p{M}]*\p{L}/u;
const address = /:\/\/|(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)/;

/** What keeps a trimmed text from being a name; `undefined` for a name. */
export function displayNameFault(name: string): DisplayNameFault | undefined {
  if (unwanted.test(name) || strayJoiner.test(name) || strayTag.test(name)) return 'text';
  if (!visible.test(name)) return 'invisible';
  // As a browser reads it: dots, slashes and colons come in many widths.
  const plain = name.normalize('NFKC');
  return domain.test(plain) || address.test(plain) ? 'link' : undefined;
}

/**
 * What can be shown of a name that may be older than these rules: without the characters that names do without, and
 * `undefined` where the rest is no name either.
 */
export function presentableName(name: string): string | undefined {
  const rest = [...name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')].filter((each) => !unwanted.test(each));
  const cleaned = rest.join('').trim();
  return displayNameFault(cleaned) === undefined ? cleaned : undefined;
}
