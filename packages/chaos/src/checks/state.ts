import { mustHandle } from '../evidence/databases.js';
import type { Evidence } from '../evidence/evidence.js';
import { type Check, groupBy } from './finding.js';

export const outboxStuck: Check = {
  name: 'outbox rows stuck',
  find: ({ outbox }) =>
    Object.entries(outbox).flatMap(([service, rows]) =>
      rows.filter(({ published }) => !published).map((row) => `${service}: ${JSON.stringify(row)}`),
    ),
};

/** Published, wanted, and neither handled nor waiting anywhere where somebody would find it. */
export const eventsVanished: Check = {
  name: 'published events that nobody handled',
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

export const deadLettersUnplanted: Check = {
  name: 'dead or delayed letters that were not planted',
  find: ({ letters, planted }) => {
    const expected = new Set(planted.map(({ id }) => id));
    return letters
      .filter(({ messageId }) => !expected.has(messageId))
      .map((letter) => JSON.stringify(letter));
  },
};

/** A bad event must not vanish either: malformed ones are dead letters, unknown ones at least on their way there. */
export const plantedVanished: Check = {
  name: 'planted events that vanished',
  find: ({ letters, planted }) =>
    planted.flatMap(({ id, what, confirmed }) =>
      ['payment', 'notification'].flatMap((service) => {
        const places = letters
          .filter(({ messageId, queue }) => messageId === id && queue.startsWith(`warren.${service}.`))
          .map(({ queue }) => queue);
        const there =
          what === 'malformed' ? places.some((queue) => queue.endsWith('.dead')) : places.length > 0;
        return !confirmed || there ? [] : [`${what} ${id} of ${service}: ${places.join(', ') || 'nowhere'}`];
      }),
    ),
};

export const feedsBroken: Check = {
  name: 'feeds with a gap',
  find: ({ feeds, heads }) =>
    Object.entries(feeds).flatMap(([service, rows]) => {
      const byUser = groupBy(rows, ({ userId }) => userId);
      return heads[service as keyof typeof heads].flatMap(({ userId, seq: head }) => {
        const numbers = (byUser.get(userId) ?? []).map(({ seq }) => seq);
        const whole = numbers.length === head && numbers.every((seq, index) => seq === index + 1);
        return whole ? [] : [`${service}, user ${userId}: head ${head}, entries ${JSON.stringify(numbers)}`];
      });
    }),
};

export const countsWrong: Check = {
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
      return [`${JSON.stringify(row)}, in truth ${unread} unread and ${unseen} unseen`];
    });
  },
};

export const balancesWrong: Check = {
  name: 'balances that are not the sum of their entries',
  find: ({ balances }) => balances.filter(({ held, sum }) => held !== sum).map((row) => JSON.stringify(row)),
};

export const validRefused: Check = {
  name: 'valid actions refused for good',
  find: ({ actions }) =>
    actions.filter(({ outcome }) => outcome === 'refused').map((action) => JSON.stringify(action)),
};

export const badEnds: Check = {
  name: 'processes that ended by themselves or not in order',
  find: ({ badEnds }) => badEnds.map(({ instance, what }) => `${instance}: ${what}`),
};

export const unquiet: Check = {
  name: 'things still going on when time was up',
  find: ({ unrest }: Evidence) => [...unrest],
};
