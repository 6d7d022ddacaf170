import { closed, Id } from '@warren/contracts';
import { type Static, Type } from 'typebox';

/** What PostgreSQL's text can hold: anything but NUL and lone surrogates. */
const storable = '^[^\\u0000\\ud800-\\udfff]*$';
const ValueName = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,63}$' });

/**
 * What a value of a notice is, and so how its reader sees it:
 *
 * - `text`: as it is; at most 500 characters
 * - `id`: a UUID; for paths, not for readers
 * - `code`: kebab case; a text can choose words by it with `select`, where an underscore stands for each hyphen
 * - `time`: RFC 3339; shown in the reader's locale and time zone
 * - `person`: a user's id; shown as their name
 * - `count`: an integer from 0; a text can choose its plural
 * - `{ money: 'currency' }`: an integer in minor units; the value that it names holds the currency (ISO 4217)
 */
export const ValueType = Type.Union([
  Type.Enum(['text', 'id', 'code', 'time', 'person', 'count']),
  Type.Object({ money: ValueName }, closed),
]);
export type ValueType = Static<typeof ValueType>;

const Template = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: storable });

/**
 * What a notice says in one language. All texts but the path are ICU messages without tags, for example
 * `{name} sent you {n, plural, one {# photo} other {# photos}}`; their arguments are the names of values.
 */
export const NoticeText = Type.Object(
  {
    title: Template(200),
    body: Template(1_000),
    /** Names the link of the mail. The title does where this is missing. */
    action: Type.Optional(Template(100)),
    /** A push says this instead: a locked screen shows it to everybody near. */
    push: Type.Optional(
      Type.Object({ title: Type.Optional(Template(200)), body: Type.Optional(Template(1_000)) }, closed),
    ),
  },
  closed,
);
export type NoticeText = Static<typeof NoticeText>;

/** What makes a kind of notice. It travels with each request, so nobody has to register a kind first. */
export const NoticeDefinition = Type.Object(
  {
    values: Type.Record(ValueName, ValueType, { maxProperties: 20 }),
    /** Readers of any other language read English. */
    texts: Type.Object({ en: NoticeText, de: Type.Optional(NoticeText) }, closed),
    /** Where a notice goes beside the inbox, unless the person prefers otherwise. */
    channels: Type.Object({ email: Type.Boolean(), push: Type.Boolean() }, closed),
    /** Where in the web app it leads. `{name}` stands for a value, percent-encoded. Stays on the app's own host. */
    path: Type.String({ maxLength: 200, pattern: '^/(?![/\\\\])[^\\s\\\\]*$' }),
  },
  closed,
);
export type NoticeDefinition = Static<typeof NoticeDefinition>;

/** `notification.requested`: how any service has a person notified. Its subject is an id of the requesting service. */
export const NotificationRequested = Type.Object(
  {
    userId: Id,
    /** `security-alert`, or a kind of the requesting service's own, which begins with its name: `chat-mention`. */
    kind: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z][a-z0-9-]*$' }),
    values: Type.Record(
      ValueName,
      Type.Union([Type.String({ maxLength: 500, pattern: storable }), Type.Number(), Type.Boolean()]),
    ),
    /** With a kind of the requesting service's own. */
    definition: Type.Optional(NoticeDefinition),
  },
  closed,
);
export type NotificationRequested = Static<typeof NotificationRequested>;

/** The values that a kind of notice needs. */
export type NoticeValues<Types extends Readonly<Record<string, ValueType>>> = {
  [Name in keyof Types]: Types[Name] extends 'count' | { money: string } ? number : string;
};

/** A kind of notice that can be requested: one of the notification service's own, or one from `defineNoticeKind`. */
export interface RequestableKind<
  Types extends Readonly<Record<string, ValueType>> = Readonly<Record<string, ValueType>>,
> {
  kind: string;
  values: Types;
  /** Missing for the notification service's own kinds. */
  definition?: NoticeDefinition;
}

/**
 * What happened to an account, by the code `what`: `password-changed`, `password-reset`, `token-reused` or `new-sign-in`.
 * A code that the notification service doesn't know is told in general words. Nobody can switch this kind off.
 */
export const securityAlert = {
  kind: 'security-alert',
  values: { what: 'code', at: 'time' },
} as const satisfies RequestableKind;

/** The `data` of a `notification.requested`. The compiler checks its values. */
export function noticeRequest<const Types extends Readonly<Record<string, ValueType>>>(
  { kind, definition }: RequestableKind<Types>,
  userId: string,
  values: NoticeValues<Types>,
): NotificationRequested {
  return { userId, kind, values: { ...values }, ...(definition && { definition }) };
}
