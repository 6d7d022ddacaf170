import type { Evidence } from '../evidence/evidence.js';
import { type Check, groupBy } from './finding.js';

/** No action may have its effect twice, no event either; what was refused must have none. */
export const effectsDoubled: Check = {
  name: 'effects doubled',
  find: (evidence) => [
    ...payments(evidence),
    ...notifications(evidence),
    ...renames(evidence),
    ...entries(evidence),
    ...events(evidence),
  ],
};

/** By the description, which each action wrote once: the idempotency key's own record isn't asked. */
function payments({ payments, actions }: Evidence): string[] {
  const byDescription = groupBy(payments, ({ description }) => description ?? '');
  return actions.flatMap((action) => {
    if (action.kind !== 'pay') return [];
    const found = byDescription.get(action.description) ?? [];
    const most = action.outcome === 'refused' ? 0 : 1;
    if (found.length <= most) return [];
    const ids = found.map(({ id }) => id).join(', ');
    return [
      `${action.outcome} payment of key ${action.key} is there ${found.length} times: ${ids} ${JSON.stringify(action)}`,
    ];
  });
}

function notifications({ notifications }: Evidence): string[] {
  return [
    ...repeated(notifications, ({ eventId, userId, kind }) => `${kind} for ${userId} of event ${eventId}`),
    // The same payment told of by two events.
    ...repeated(
      notifications.filter(({ paymentId }) => paymentId !== null),
      ({ paymentId, userId, kind }) => `${kind} for ${userId} of payment ${paymentId}`,
    ),
    ...repeated(
      notifications.filter(({ kind }) => kind === 'welcome'),
      ({ userId }) => `welcome for ${userId}`,
    ),
  ].map((what) => `notification ${what}`);
}

/** Renaming has no key: a repeat after no answer may happen again, but no more often than it was tried. */
function renames({ feeds, actions }: Evidence): string[] {
  const told = groupBy(
    feeds.user.filter(({ type }) => type === 'user.updated'),
    ({ userId, data }) => `${userId} ${(data as { displayName: string }).displayName}`,
  );
  return actions.flatMap((action) => {
    if (action.kind !== 'rename') return [];
    const times = told.get(`${action.userId} ${action.displayName}`)?.length ?? 0;
    return times > action.attempts.length
      ? [
          `rename ${action.id} happened ${times} times in ${action.attempts.length} attempts ${JSON.stringify(action)}`,
        ]
      : [];
  });
}

/** A feed tells of each state of an entity once. */
function entries({ feeds }: Evidence): string[] {
  const versionOf: Readonly<Record<string, (data: never) => string>> = {
    'user.updated': ({ id, version }: { id: string; version: number }) => `${id} version ${version}`,
    'payment.updated': ({ id, version }: { id: string; version: number }) => `${id} version ${version}`,
    'notification.created': ({ notification: { id } }: { notification: { id: string } }) => id,
    'notification.updated': ({
      notification: { id, version },
    }: {
      notification: { id: string; version: number };
    }) => `${id} version ${version}`,
  };
  return Object.values(feeds).flatMap((feed) =>
    repeated(
      feed.filter(({ type }) => versionOf[type] !== undefined),
      ({ userId, type, data }) => `${type} ${versionOf[type]?.(data as never)} in the feed of ${userId}`,
    ),
  );
}

/** One version of an entity is told to other services once. What is asked for is no state of an entity. */
function events({ outbox }: Evidence): string[] {
  return Object.values(outbox).flatMap((rows) =>
    repeated(
      rows.filter(({ type }) => !type.endsWith('-requested')),
      ({ subject, version }) => `event of ${subject} version ${version}`,
    ),
  );
}

function repeated<T>(items: readonly T[], nameOf: (item: T) => string): string[] {
  return [...groupBy(items, nameOf)].flatMap(([name, { length }]) =>
    length > 1 ? [`${name}: ${length} times`] : [],
  );
}
