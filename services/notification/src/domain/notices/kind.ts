import type { NoticeDefinition, NoticeText, ValueType } from '@warren/notification-contract';

/** The languages in which this service writes. Readers of other languages get the first one. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** The ways to reach a person besides the inbox. */
export const outsideChannels = ['email', 'push'] as const;
export type OutsideChannel = (typeof outsideChannels)[number];

/** A kind of notice: its texts, the values that they need, and where it goes. */
export interface NoticeKind extends NoticeDefinition {
  /** Kebab case, unique; it names the kind in notifications and preferences for ever. */
  kind: string;
  /** `mail-only`: one mail and no notification. It has no preference, and no service can request it. */
  reach: 'inbox' | 'mail-only';
  /** Nobody can switch it off. */
  locked: boolean;
}

/** A kind of this service's own, in every language. */
export function ownKind<const Values extends Readonly<Record<string, ValueType>>>(
  kind: NoticeKind & { values: Values; texts: Readonly<Record<Language, NoticeText>> },
): NoticeKind & { values: Values } {
  return kind;
}

/** A kind of another service, from one of its requests. */
export function requestedKind(kind: string, definition: NoticeDefinition): NoticeKind {
  return { ...definition, kind, reach: 'inbox', locked: false };
}
