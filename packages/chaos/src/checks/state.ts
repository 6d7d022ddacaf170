import { mustHandle } from '../evidence/databases.js';
import type { Evidence } from '../evidence/evidence.js';
import { type Check, groupBy } from './check.js';

export const unpublishedEvents: Check = {
  name: 'unpublished outbox rows',
  find: ({ outbox }) =>
    Object.entries(outbox).flatMap(([service, rows]) =>
      rows.filter(({ published }) => !published).map((row) => `${service}: ${JSON.stringify(row)}`),
    ),
};

/** Every published event must be in the inbox of each service that must handle it. */
export const unhandledEvents: Check = {
  name: 'published events that were not handled',
  find: ({ outbox, inbox }) => {
    const handled = new Set(inbox.map(({ service, eventId }) => `${service} ${eventId}`));
    return Object.values(outbox)
      .flat()
      .flatMap((row) =>
        (mustHandle[row.type] ?? [])
          .filter((service) => row.published && !handled.has(`${service} ${row.id}`))
          .map((service) => `${service} has not handled ${JSON.stringify(row)}`),
      );
  },
};

export const unexpectedLetters: Check = {
  name: 'unexpected dead letters and retries',
  find: ({ letters, planted }) => {
    const expected = new Set(planted.map(({ id }) => id));
    return letters
      .filter(({ messageId }) => !expected.has(messageId))
      .map((letter) => JSON.stringify(letter));
  },
};

/** A malformed event must be a dead letter. An event of an unknown type must be a dead letter or wait for a retry. */
export const lostPlantedEvents: Check = {
  name: 'planted events that were lost',
  find: ({ letters, planted }) =>
    planted.flatMap(({ id, what, confirmed }) =>
      ['payment', 'notification'].flatMap((service) => {
        const places = letters
          .filter(({ messageId, queue }) => messageId === id && queue.startsWith(`warren.${service}.`))
          .map(({ queue }) => queue);
        const kept =
          what === 'malformed' ? places.some((queue) => queue.endsWith('.dead')) : places.length > 0;
        return !confirmed || kept ? [] : [`${what} ${id} of ${service}: ${places.join(', ') || 'nowhere'}`];
      }),
    ),
};

export const brokenFeeds: Check = {
  name: 'feeds with a gap',
  find: ({ feeds, heads }) =>
    Object.entries(feeds).flatMap(([service, rows]) => {
      const byUser = groupBy(rows, ({ userId }) => userId);
      return heads[service as keyof typeof heads].flatMap(({ userId, seq: head }) => {
        const numbers = (byUser.get(userId) ?? []).map(({ seq }) => seq);
        const complete = numbers.length === head && numbers.every((seq, index) => seq === index + 1);
        return complete
          ? []
          : [`${service}, user ${userId}: head ${head}, entries ${JSON.stringify(numbers)}`];
      });
    }),
};

export const wrongCounts: Check = {
  name: 'counts that differ from the notifications',
  find: ({ notifications, counts }) => {
    const byUser = groupBy(
      notifications.filter(({ archived }) => !archived),
      ({ userId }) => userId,
    );
    return counts.flatMap((row) => {
      const own = byUser.get(row.userId) ?? [];
      const unread = own.filter(({ read }) => !read).length;
      const unseen = own.filter(({ seen }) => !seen).length;
      if (row.unread === unread && row.unseen === unseen) return [];
      return [`${JSON.stringify(row)}, but ${unread} are unread and ${unseen} unseen`];
    });
  },
};

export const wrongBalances: Check = {
  name: 'balances that are not the sum of their entries',
  find: ({ balances }) => balances.filter(({ held, sum }) => held !== sum).map((row) => JSON.stringify(row)),
};

export const refusedActions: Check = {
  name: 'valid actions that were refused',
  find: ({ actions }) =>
    actions.filter(({ outcome }) => outcome === 'refused').map((action) => JSON.stringify(action)),
};

export const badEnds: Check = {
  name: 'processes that crashed or did not shut down cleanly',
  find: ({ badEnds }) => badEnds.map(({ instance, what }) => `${instance}: ${what}`),
};

export const ongoingActivity: Check = {
  name: 'activity that did not end in time',
  find: ({ ongoing }: Evidence) => [...ongoing],
};
