import type { NoticeText } from '@warren/notification-contract';
import { IntlMessageFormat } from 'intl-messageformat';
import { type Language, languages, type NoticeKind } from './kind.js';
import { languageOf } from './show.js';
import type { NoticeValues } from './values.js';

/** What a notice says in one language, its values filled in. */
export interface Said {
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

export function saidIn(
  { texts }: NoticeKind,
  language: Language,
  shown: Readonly<Record<string, string | number>>,
): Said {
  const text = texts[language] ?? texts.en;
  const say = (message: string) => String(messageOf(text, message, language).format({ ...shown }));
  const { title, body, action, push } = text;
  return {
    title: say(title),
    body: say(body),
    ...(action !== undefined && { action: say(action) }),
    push: {
      ...(push?.title !== undefined && { title: say(push.title) }),
      ...(push?.body !== undefined && { body: say(push.body) }),
    },
  };
}

/** Parsed messages. Those of this service's own kinds stay; those of a request go with it. */
const parsed = new WeakMap<NoticeText, Map<string, IntlMessageFormat>>();

function messageOf(text: NoticeText, message: string, language: Language): IntlMessageFormat {
  const messages = parsed.get(text) ?? new Map<string, IntlMessageFormat>();
  parsed.set(text, messages);
  const known =
    messages.get(message) ?? new IntlMessageFormat(message, language, undefined, { ignoreTag: true });
  messages.set(message, known);
  return known;
}

/** Where in the web app the notice leads. */
export function pathOf({ path }: NoticeKind, values: NoticeValues): string {
  return path.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
}
