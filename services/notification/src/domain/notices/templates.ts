import type { NoticeText } from '@warren/notification-contract';
import { IntlMessageFormat } from 'intl-messageformat';
import { type Language, languages, type NoticeKind } from './kind.js';
import { languageOf } from './show.js';
import type { NoticeValues } from './values.js';

/** The texts of a notice in one language, with its values. */
export interface FilledText {
  title: string;
  body: string;
  action?: string;
  push: { title?: string; body?: string };
}

/** The language in which readers of this locale get notices of this kind. */
export function languageFor({ texts }: NoticeKind, locale: string): Language {
  const language = languageOf(locale);
  return texts[language] === undefined ? languages[0] : language;
}

/** Fills the values into the texts of this language. */
export function fillIn(
  { texts }: NoticeKind,
  language: Language,
  shown: Readonly<Record<string, string | number>>,
): FilledText {
  const text = texts[language] ?? texts.en;
  const fill = (message: string) => String(messageOf(text, message, language).format({ ...shown }));
  const { title, body, action, push } = text;
  return {
    title: fill(title),
    body: fill(body),
    ...(action !== undefined && { action: fill(action) }),
    push: {
      ...(push?.title !== undefined && { title: fill(push.title) }),
      ...(push?.body !== undefined && { body: fill(push.body) }),
    },
  };
}

/** Parsed messages. Those of a request are garbage once it is handled; those of this service's own kinds stay. */
const parsed = new WeakMap<NoticeText, Map<string, IntlMessageFormat>>();

function messageOf(text: NoticeText, message: string, language: Language): IntlMessageFormat {
  const messages = parsed.get(text) ?? new Map<string, IntlMessageFormat>();
  parsed.set(text, messages);
  const known =
    messages.get(message) ?? new IntlMessageFormat(message, language, undefined, { ignoreTag: true });
  messages.set(message, known);
  return known;
}

/** The path in the web app that the notice leads to. */
export function pathOf({ path }: NoticeKind, values: NoticeValues): string {
  return path.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
}
