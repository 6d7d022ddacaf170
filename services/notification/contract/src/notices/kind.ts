import type { Static, TObject } from 'typebox';

/** Languages in which every notice speaks. Readers of any other read the first. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** Ways to a person beside the inbox. */
export const outsideChannels = ['email', 'push'] as const;
export type OutsideChannel = (typeof outsideChannels)[number];

/** What a notice says. Email and push say the same as the inbox where they have no words of their own. */
export interface Wording {
  title: string;
  body: string;
  email?: { subject?: string; paragraphs?: readonly string[] /** Names the link. */; action?: string };
  /** Locked screens show it to everybody near. */
  push?: { title?: string; body?: string };
}

/** One text a language, made of values as their reader sees them: amounts, times and names are words by then. */
export interface Texts<Values> {
  en(values: Values): Wording;
  de(values: Values): Wording;
}

export interface NoticeKind<Values extends TObject = TObject> {
  /** Kebab case, unique; it names the kind in notifications and preferences for ever. */
  kind: string;
  /** Closed. */
  values: Values;
  texts: Texts<{ [Name in keyof Static<Values>]: string }>;
  /** `inbox`: a notification like any other. `mail-only`: one mail, no preference, and no request asks for it. */
  reach: 'inbox' | 'mail-only';
  /** Where it goes beside the inbox, unless the person prefers otherwise. */
  channels: Readonly<Record<OutsideChannel, boolean>>;
  /** It can't be switched off. */
  locked: boolean;
  /** Where in the web app it leads. */
  path(values: Static<Values>): string;
}

export function defineNotice<Values extends TObject>(kind: NoticeKind<Values>): NoticeKind<Values> {
  return kind;
}
