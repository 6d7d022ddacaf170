import { Cursor, closed, Id } from '@warren/contracts';
import { Counts, Notification } from '@warren/notification-contract';
import { Type } from 'typebox';

export const ListQuery = Type.Object(
  {
    state: Type.Enum(['unread', 'all', 'archived'], {
      default: 'all',
      description: '`all` is everything that is not archived.',
    }),
    limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
    cursor: Type.Optional(Id),
  },
  closed,
);

export const NotificationList = Type.Object(
  { items: Type.Array(Notification), nextCursor: Type.Union([Cursor, Type.Null()]), asOf: Cursor },
  closed,
);

export const CountsAsOf = Type.Object({ ...Counts.properties, asOf: Cursor }, closed);

export const ById = Type.Object({ id: Id }, closed);

export const NotificationAndCounts = Type.Object({ notification: Notification, counts: Counts }, closed);

export const CountsOnly = Type.Object({ counts: Counts }, closed);
