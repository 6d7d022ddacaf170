import type { Evidence } from '../evidence/evidence.js';
import { type Check, groupBy } from './check.js';

/** An action or event may have its effect only once, and a refused action none. */
export const duplicateEffects: Check = {
  name: 'duplicate effects',
  find: (evidence) => [
    ...payments(evidence),
    ...notifications(evidence),
    ...renames(evidence),
    ...feedEntries(evidence),
    ...events(evidence),
  ],
};

/** Finds payments by their description, which is unique per action, and not by the recorded idempotency key. */
function payments({ payments, actions }: Evidence): string[] {
  const byDescription = groupBy(payments, ({ description }) => description ?? '');
  return actions.flatMap((action) => {
    if (action.kind !== 'pay') return [];
    const found = byDescription.get(action.description) ?? [];
    const allowed = action.outcome === 'refused' ? 0 : 1;
    if (found.length <= allowed) return [];
    const ids = found.map(({ id }) => id).join(', ');
    return [
      `${action.outcome} payment with key ${action.key} exists ${found.length} times: ${ids} ${JSON.stringify(action)}`,
    ];
  });
}

function notifications({ notifications }: Evidence): string[] {
  return [
    ...repeated(notifications, ({ eventId, userId, kind }) => `${kind} for ${userId} of event ${eventId}`),
    // Two events may lead to notifications of the same payment.
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

/** Renaming has no idempotency key: it may happen once per attempt. */
function renames({ feeds, actions }: Evidence): string[] {
  const entries = groupBy(
    feeds.user.filter(({ type }) => type === 'user.updated'),
    ({ userId, data }) => `${userId} ${(data as { displayName: string }).displayName}`,
  );
  return actions.flatMap((action) => {
    if (action.kind !== 'rename') return [];
    const times = entries.get(`${action.userId} ${action.displayName}`)?.length ?? 0;
    return times > action.attempts.length
      ? [
          `rename ${action.id} happened ${times} times in ${action.attempts.length} attempts ${JSON.stringify(action)}`,
        ]
      : [];
  });
}

/** A feed has one entry for each state of an entity. */
function feedEntries({ feeds }: Evidence): string[] {
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

/** There is one event for each version of an entity. Requests are not states of an entity. */
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
