import { closed, Id } from '@warren/contracts';
import { type Static, type TObject, Type } from 'typebox';
import type { NoticeKind } from './kind.js';
import { storable } from './values.js';

/** How any service has a person notified: `notification.requested`, its subject an id of the asking service. */
export const NotificationRequested = Type.Object(
  {
    userId: Id,
    /** One of the kinds of notice; open for readers. */
    kind: Type.String({ minLength: 1, maxLength: 64, pattern: '^[a-z][a-z0-9-]*$' }),
    /** What the kind's texts need. */
    values: Type.Record(
      Type.String({ minLength: 1, maxLength: 64 }),
      Type.Union([Type.String({ maxLength: 500, pattern: storable }), Type.Number(), Type.Boolean()]),
    ),
  },
  closed,
);
export type NotificationRequested = Static<typeof NotificationRequested>;

/** The `data` of a `notification.requested`, its values checked by the compiler. */
export function noticeRequest<Values extends TObject>(
  { kind }: NoticeKind<Values>,
  userId: string,
  values: Static<Values>,
): NotificationRequested {
  return { userId, kind, values: values as NotificationRequested['values'] };
}
