import { describe, expect, it } from '@jest/globals';
import { checkAll, checks } from '../src/checks/index.js';
import type { Evidence } from '../src/evidence/evidence.js';
import { entry, healthy, letter, seen } from './support/healthy.js';

/** Something that must not be, told as if it had happened. */
interface Lie {
  check: string;
  lie: string;
  tell(evidence: Evidence): void;
  /** Part of what the offender must say. */
  says: string;
}

const first = <T>(items: readonly T[], fits: (item: T) => boolean = () => true): T => {
  const found = items.find(fits);
  if (!found) throw new Error('the healthy world has no such thing');
  return found;
};
const without = <T>(items: T[], fits: (item: T) => boolean) => {
  const index = items.findIndex(fits);
  if (index < 0) throw new Error('the healthy world has no such thing');
  items.splice(index, 1);
};
const action = (evidence: Evidence, id: string) => first(evidence.actions, (one) => one.id === id);
const adas = (evidence: Evidence) => first(evidence.clients, ({ userId }) => userId === 'ada');

const lies: Lie[] = [
  {
    check: 'accepted actions lost',
    lie: 'an accepted payment is in no table',
    tell: (e) => without(e.payments, () => true),
    says: 'no such payment',
  },
  {
    check: 'accepted actions lost',
    lie: 'an accepted payment never left processing',
    tell: (e) => Object.assign(first(e.payments), { status: 'processing' }),
    says: 'is processing, not succeeded',
  },
  {
    check: 'accepted actions lost',
    lie: 'an accepted payment is of another amount',
    tell: (e) => Object.assign(first(e.payments), { amount: 1 }),
    says: 'is another one',
  },
  {
    check: 'accepted actions lost',
    lie: 'the recipient was never told of a payment',
    tell: (e) => without(e.notifications, ({ kind }) => kind === 'payment-received'),
    says: 'no payment-received for grace',
  },
  {
    check: 'accepted actions lost',
    lie: "a payment is not in the recipient's feed",
    tell: (e) => without(e.feeds.payment, ({ userId }) => userId === 'grace'),
    says: "not in the recipient's feed",
  },
  {
    check: 'accepted actions lost',
    lie: 'somebody who registered is not there',
    tell: (e) => without(e.users, ({ id }) => id === 'grace'),
    says: 'no such user',
  },
  {
    check: 'accepted actions lost',
    lie: 'somebody who registered was never welcomed',
    tell: (e) => without(e.notifications, ({ kind }) => kind === 'welcome'),
    says: 'no welcome',
  },
  {
    check: 'accepted actions lost',
    lie: 'an accepted name is in no feed',
    tell: (e) => without(e.feeds.user, () => true),
    says: 'no user.updated in the feed',
  },
  {
    check: 'accepted actions lost',
    lie: 'a user is older than an accepted answer',
    tell: (e) => Object.assign(first(e.users), { version: 1 }),
    says: 'older than the answer',
  },
  {
    check: 'accepted actions lost',
    lie: 'a notification marked as read is not',
    tell: (e) =>
      Object.assign(
        first(e.notifications, ({ read }) => read),
        { read: false },
      ),
    says: 'is not read',
  },
  {
    check: 'effects doubled',
    lie: 'one key paid twice',
    tell: (e) => e.payments.push({ ...first(e.payments), id: 'pay2' }),
    says: 'is there 2 times: pay1, pay2',
  },
  {
    check: 'effects doubled',
    lie: 'an unanswered payment happened twice',
    tell: (e) => {
      Object.assign(action(e, 'a1'), { outcome: 'unknown', paymentId: undefined });
      e.payments.push({ ...first(e.payments), id: 'pay2' });
    },
    says: 'unknown payment of key key1',
  },
  {
    check: 'effects doubled',
    lie: 'a refused payment happened',
    tell: (e) => Object.assign(action(e, 'a1'), { outcome: 'refused' }),
    says: 'refused payment of key key1',
  },
  {
    check: 'effects doubled',
    lie: 'one event notified twice',
    tell: (e) => e.notifications.push({ ...first(e.notifications, ({ read }) => read), id: 'n2' }),
    says: 'payment-sent for ada of event e-paid: 2 times',
  },
  {
    check: 'effects doubled',
    lie: 'one payment notified twice, by different events',
    tell: (e) =>
      e.notifications.push({ ...first(e.notifications, ({ read }) => read), id: 'n2', eventId: 'e9' }),
    says: 'payment-sent for ada of payment pay1: 2 times',
  },
  {
    check: 'effects doubled',
    lie: 'somebody was welcomed twice',
    tell: (e) => e.notifications.push({ ...first(e.notifications), id: 'n2', eventId: 'e9' }),
    says: 'welcome for ada: 2 times',
  },
  {
    check: 'effects doubled',
    lie: 'a name that was sent once was taken twice',
    tell: (e) =>
      e.feeds.user.push(entry('ada', 2, 'user.updated', { id: 'ada', displayName: 'Countess', version: 3 })),
    says: 'rename a0 happened 2 times in 1 attempts',
  },
  {
    check: 'effects doubled',
    lie: 'a feed tells of one state twice',
    tell: (e) => e.feeds.payment.push({ ...first(e.feeds.payment), seq: 3 }),
    says: 'payment.updated pay1 version 1 in the feed of ada: 2 times',
  },
  {
    check: 'effects doubled',
    lie: 'two events of one version of one entity',
    tell: (e) => e.outbox.payment.push({ ...first(e.outbox.payment), id: 'e9' }),
    says: 'event of pay1 version 1: 2 times',
  },
  {
    check: 'copies that differ from their source',
    lie: 'a copy is missing',
    tell: (e) => without(e.copies.payment, () => true),
    says: 'payment has no copy of ada',
  },
  {
    check: 'copies that differ from their source',
    lie: 'a copy is a version behind',
    tell: (e) => Object.assign(first(e.copies.payment), { version: 1 }),
    says: 'payment: {"id":"ada","version":1',
  },
  {
    check: 'copies that differ from their source',
    lie: 'a copy has the right version and the wrong name',
    tell: (e) => Object.assign(first(e.copies.notification), { displayName: 'Ada' }),
    says: '"displayName":"Ada"',
  },
  {
    check: 'copies that differ from their source',
    lie: 'a living person is buried in a copy',
    tell: (e) => Object.assign(first(e.copies.notification), { deleted: true }),
    says: '"deleted":true',
  },
  {
    check: 'copies that differ from their source',
    lie: 'a copy of nobody',
    tell: (e) => e.copies.payment.push({ id: 'eve', version: 1, deleted: false }),
    says: 'copy of nobody',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client missed an entry in the middle',
    tell: (e) => without(adas(e).live, ({ seq }) => seq === 2),
    says: 'live entries begin at 3, pulled ones end at 1',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client saw an entry twice',
    tell: (e) => adas(e).live.push(structuredClone(first(adas(e).live, ({ seq }) => seq === 3))),
    says: 'should be number 4',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client saw entries in the wrong order',
    tell: (e) => adas(e).live.reverse(),
    says: 'live entries begin at 3',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client stopped short of the head',
    tell: (e) => adas(e).live.pop(),
    says: 'it saw up to 2, the head is 3',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client saw something else than the feed has',
    tell: (e) => Object.assign(first(adas(e).live), { data: { notification: { id: 'else', version: 1 } } }),
    says: 'number 2 was {"seq":2',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client was told of something that no feed has',
    tell: (e) => {
      const invented = entry('grace', 2, 'payment.updated', { id: 'pay9', status: 'succeeded', version: 1 });
      first(e.clients, ({ userId }) => userId === 'grace').live.push(seen(invented));
      first(e.heads.payment, ({ userId }) => userId === 'grace').seq = 2;
    },
    says: 'the feed has {}',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'the first thing that was there is missing',
    tell: (e) => adas(e).pulled.splice(0),
    says: 'live entries begin at 2, pulled ones end at 0',
  },
  {
    check: 'clients whose view differs from their feed',
    lie: 'a client was reset',
    tell: (e) => adas(e).troubles.push('feed.reset too-old'),
    says: 'feed.reset too-old',
  },
  {
    check: 'outbox rows stuck',
    lie: 'a row was never published',
    tell: (e) => Object.assign(first(e.outbox.payment), { published: false }),
    says: 'payment: {"id":"e-pay"',
  },
  {
    check: 'published events that nobody handled',
    lie: 'a published event is in nobody’s inbox',
    tell: (e) => without(e.inbox, ({ eventId }) => eventId === 'e-paid'),
    says: 'notification has not handled {"id":"e-paid"',
  },
  {
    check: 'dead or delayed letters that were not planted',
    lie: 'a good event is a dead letter',
    tell: (e) => e.letters.push(letter('warren.notification.dead', 'e-paid')),
    says: '"messageId":"e-paid"',
  },
  {
    check: 'dead or delayed letters that were not planted',
    lie: 'a good event still waits for its retry',
    tell: (e) => e.letters.push(letter('warren.notification.retry.30s', 'e-paid')),
    says: 'retry.30s',
  },
  {
    check: 'planted events that vanished',
    lie: 'a malformed event is in no dead letters',
    tell: (e) => without(e.letters, ({ queue }) => queue === 'warren.payment.dead'),
    says: 'malformed p1 of payment: nowhere',
  },
  {
    check: 'planted events that vanished',
    lie: 'an unknown event was swallowed',
    tell: (e) => without(e.letters, ({ queue }) => queue === 'warren.notification.retry.30s'),
    says: 'unknown-type p2 of notification: nowhere',
  },
  {
    check: 'feeds with a gap',
    lie: 'a number is missing in a feed',
    tell: (e) => without(e.feeds.notification, ({ userId, seq }) => userId === 'grace' && seq === 1),
    says: 'notification, user grace: head 2, entries [2]',
  },
  {
    check: 'feeds with a gap',
    lie: 'a feed ends before its head',
    tell: (e) => first(e.heads.user).seq++,
    says: 'user, user ada: head 2, entries [1]',
  },
  {
    check: 'counts that differ from the notifications',
    lie: 'one unread too many',
    tell: (e) => first(e.counts).unread++,
    says: 'in truth 1 unread',
  },
  {
    check: 'balances that are not the sum of their entries',
    lie: 'somebody holds more than they got',
    tell: (e) => Object.assign(first(e.balances), { held: '1' }),
    says: 'person:ada',
  },
  {
    check: 'balances that are not the sum of their entries',
    lie: 'there are entries and no balance',
    tell: (e) => Object.assign(first(e.balances), { held: null }),
    says: 'person:ada',
  },
  {
    check: 'valid actions refused for good',
    lie: 'a valid payment was refused',
    tell: (e) => {
      Object.assign(action(e, 'a1'), { outcome: 'refused' });
      e.payments.splice(0);
    },
    says: '"outcome":"refused"',
  },
  {
    check: 'processes that ended by themselves or not in order',
    lie: 'a service crashed',
    tell: (e) =>
      Object.assign(e, { badEnds: [{ instance: 'user/0', what: 'it ended by itself: exit code 1' }] }),
    says: 'user/0: it ended by itself',
  },
  {
    check: 'things still going on when time was up',
    lie: 'it never became quiet',
    tell: (e) => Object.assign(e, { unrest: ['3 in warren.payment.events'] }),
    says: '3 in warren.payment.events',
  },
];

const offendersIn = (evidence: Evidence, check: string) =>
  checkAll(evidence).find(({ name }) => name === check)?.offenders ?? [];

describe('the checks', () => {
  it('find nothing where all is well', () => {
    expect(checkAll(healthy()).filter(({ count }) => count > 0)).toEqual([]);
  });

  it.each(lies)('find that $lie', ({ check, tell, says }) => {
    const evidence = healthy();
    tell(evidence);
    expect(offendersIn(evidence, check).join('\n')).toContain(says);
  });

  it('are each shown to find something', () => {
    expect([...new Set(lies.map(({ check }) => check))].sort()).toEqual(
      checks.map(({ name }) => name).sort(),
    );
  });

  it('let an action that nobody answered happen once, or not at all', () => {
    const happened = healthy();
    Object.assign(action(happened, 'a1'), { outcome: 'unknown', paymentId: undefined });
    expect(offendersIn(happened, 'effects doubled')).toEqual([]);
    const unhappened = healthy();
    Object.assign(action(unhappened, 'a1'), { outcome: 'unknown', paymentId: undefined });
    unhappened.payments.splice(0);
    expect(offendersIn(unhappened, 'accepted actions lost')).toEqual([]);
  });
});
