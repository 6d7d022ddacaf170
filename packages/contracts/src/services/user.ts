import { type Static, Type } from 'typebox';
import { defineContract } from '../contract.js';
import { closed, Id, Time, Version } from './shapes.js';

/** PostgreSQL's text holds anything but NUL and lone surrogates. */
export const DisplayName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^[^\\u0000\\ud800-\\udfff]*$',
});
export const Locale = Type.String({ minLength: 2, maxLength: 35 });
export const TimeZone = Type.String({ minLength: 1, maxLength: 64 });

/** The person as their own browser sees them. */
export const User = Type.Object(
  {
    id: Id,
    email: Type.String({ format: 'email', maxLength: 254 }),
    emailVerified: Type.Boolean(),
    displayName: DisplayName,
    locale: Locale,
    timeZone: TimeZone,
    version: Version,
    createdAt: Time,
  },
  closed,
);
export type User = Static<typeof User>;

/** What stays of a deleted person, for ever: the id (the event's subject) and the last version. */
export const UserTombstone = Type.Object({ id: Id, version: Version }, closed);
export type UserTombstone = Static<typeof UserTombstone>;

/** The person as they now are, or what stays of them: for copies that start late. */
export const UserSnapshot = Type.Union([User, UserTombstone]);
export type UserSnapshot = Static<typeof UserSnapshot>;

export function isTombstone(user: User | UserTombstone): user is UserTombstone {
  return !('email' in user);
}

export const userContract = defineContract({
  service: 'user',
  emits: {
    'user.registered': User,
    'user.updated': User,
    'user.deleted': UserTombstone,
    'user.snapshot': UserSnapshot,
  },
  consumes: [],
  commands: {},
  feed: { 'user.updated': User },
});
