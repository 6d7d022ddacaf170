import { closed, Id } from '@warren/contracts';
import { type Static, Type } from 'typebox';

/** What a text in PostgreSQL can contain: anything but NUL and lone surrogates. */
const storable = '^[^\\u0000\\ud800-\\udfff]*$';
const ValueName = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,63}$' });

/**
 * The type of a value of a notice. It decides how readers see the value:
 *
 * - `text`: as it is; at most 500 characters
 * - `id`: a UUID; for paths only
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
 * The texts of a notice in one language. They are ICU messages without tags, for example
 * `{name} sent you {n, plural, one {# photo} other {# photos}}`; their arguments are the names of values.
 */
export const NoticeText = Type.Object(
  {
    title: Template(200),
    body: Template(1_000),
    /** The text of the mail's link. Default: the title. */
    action: Type.Optional(Template(100)),
    /** Replaces title and body in a push. A locked screen shows them to everybody nearby. */
    push: Type.Optional(
      Type.Object({ title: Type.Optional(Template(200)), body: Type.Optional(Template(1_000)) }, closed),
    ),
  },
  closed,
);
export type NoticeText = Static<typeof NoticeText>;

/** Defines a kind of notice. Each request contains it, so no service has to register a kind first. */
export const NoticeDefinition = Type.Object(
  {
    values: Type.Record(ValueName, ValueType, { maxProperties: 20, propertyNames: ValueName }),
    /** Readers of any other language read English. */
    texts: Type.Object({ en: NoticeText, de: Type.Optional(NoticeText) }, closed),
    /** Where a notice goes besides the inbox, unless the person chooses otherwise. */
    channels: Type.Object({ email: Type.Boolean(), push: Type.Boolean() }, closed),
    /**
     * The path in the web app that it leads to. `{name}` stands for a value, percent-encoded. It can't leave the app's
     * host.
     */
    path: Type.String({ maxLength: 200, pattern: '^/(?![/\\\\])[^\\s\\\\\\u0000\\ud800-\\udfff]*$' }),
  },
  closed,
);
export type NoticeDefinition = Static<typeof NoticeDefinition>;

/**
 * The data of `notification.requested`, by which any service has a person notified. The subject is an id of the
 * requesting service.
 */
export const NotificationRequested = Type.Object(
  {
    userId: Id,
    /** `security-alert`, or a kind of the requesting service's own, which begins with its name: `chat-mention`. */
    kind: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z][a-z0-9-]*$' }),
    values: Type.Record(
      ValueName,
      Type.Union([Type.String({ maxLength: 500, pattern: storable }), Type.Number(), Type.Boolean()]),
      { propertyNames: ValueName },
    ),
    /** Required for a kind of the requesting service's own. */
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
 * Tells what happened to an account. `what` is one of the codes `password-changed`, `password-reset`, `token-reused` or
 * `new-sign-in`. For another code, the text is general. Nobody can switch this kind off.
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
