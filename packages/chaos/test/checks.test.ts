import { describe, expect, it } from '@jest/globals';
import { checkAll, checks } from '../src/checks/index.js';
import type { Evidence } from '../src/evidence/evidence.js';
import { correctEvidence, entry, letter, seen } from './support/correct-evidence.js';

/** A defect that a check must find in evidence that is otherwise correct. */
interface Defect {
  check: string;
  defect: string;
  introduce(evidence: Evidence): void;
  /** A part of the offender's description. */
  offender: string;
}

const first = <T>(items: readonly T[], fits: (item: T) => boolean = () => true): T => {
  const found = items.find(fits);
  if (!found) throw new Error('the correct evidence has no such item');
  return found;
};
const without = <T>(items: T[], fits: (item: T) => boolean) => {
  const index = items.findIndex(fits);
  if (index < 0) throw new Error('the correct evidence has no such item');
  items.splice(index, 1);
};
const action = (evidence: Evidence, id: string) => first(evidence.actions, (one) => one.id === id);
const adas = (evidence: Evidence) => first(evidence.clients, ({ userId }) => userId === 'ada');

const defects: Defect[] = [
  {
    check: 'accepted actions lost',
    defect: 'an accepted payment is in no table',
    introduce: (e) => without(e.payments, () => true),
    offender: 'no such payment',
  },
  {
    check: 'accepted actions lost',
    defect: 'an accepted payment never left processing',
    introduce: (e) => Object.assign(first(e.payments), { status: 'processing' }),
    offender: 'is processing, not succeeded',
  },
  {
    check: 'accepted actions lost',
    defect: 'an accepted payment has another amount',
    introduce: (e) => Object.assign(first(e.payments), { amount: 1 }),
    offender: 'the payment differs',
  },
  {
    check: 'accepted actions lost',
    defect: 'the recipient has no notification of a payment',
    introduce: (e) => without(e.notifications, ({ kind }) => kind === 'payment-received'),
    offender: 'no payment-received for grace',
  },
  {
    check: 'accepted actions lost',
    defect: "a payment is not in the recipient's feed",
    introduce: (e) => without(e.feeds.payment, ({ userId }) => userId === 'grace'),
    offender: "not in the recipient's feed",
  },
  {
    check: 'accepted actions lost',
    defect: 'a registered user is missing',
    introduce: (e) => without(e.users, ({ id }) => id === 'grace'),
    offender: 'no such user',
  },
  {
    check: 'accepted actions lost',
    defect: 'a registered user has no welcome notification',
    introduce: (e) => without(e.notifications, ({ kind }) => kind === 'welcome'),
    offender: 'no welcome',
  },
  {
    check: 'accepted actions lost',
    defect: 'an accepted name is in no feed',
    introduce: (e) => without(e.feeds.user, () => true),
    offender: 'no user.updated in the feed',
  },
  {
    check: 'accepted actions lost',
    defect: 'a user has an older version than an accepted answer',
    introduce: (e) => Object.assign(first(e.users), { version: 1 }),
    offender: 'older version than the answer',
  },
  {
    check: 'accepted actions lost',
    defect: 'a notification that was marked as read is unread',
    introduce: (e) =>
      Object.assign(
        first(e.notifications, ({ read }) => read),
        { read: false },
      ),
    offender: 'is not read',
  },
  {
    check: 'duplicate effects',
    defect: 'one idempotency key paid twice',
    introduce: (e) => e.payments.push({ ...first(e.payments), id: 'pay2' }),
    offender: 'exists 2 times: pay1, pay2',
  },
  {
    check: 'duplicate effects',
    defect: 'an unanswered payment happened twice',
    introduce: (e) => {
      Object.assign(action(e, 'a1'), { outcome: 'unknown', paymentId: undefined });
      e.payments.push({ ...first(e.payments), id: 'pay2' });
    },
    offender: 'unknown payment with key key1',
  },
  {
    check: 'duplicate effects',
    defect: 'a refused payment happened',
    introduce: (e) => Object.assign(action(e, 'a1'), { outcome: 'refused' }),
    offender: 'refused payment with key key1',
  },
  {
    check: 'duplicate effects',
    defect: 'one event led to two notifications',
    introduce: (e) => e.notifications.push({ ...first(e.notifications, ({ read }) => read), id: 'n2' }),
    offender: 'payment-sent for ada of event e-paid: 2 times',
  },
  {
    check: 'duplicate effects',
    defect: 'two events led to notifications of one payment',
    introduce: (e) =>
      e.notifications.push({ ...first(e.notifications, ({ read }) => read), id: 'n2', eventId: 'e9' }),
    offender: 'payment-sent for ada of payment pay1: 2 times',
  },
  {
    check: 'duplicate effects',
    defect: 'a user was welcomed twice',
    introduce: (e) => e.notifications.push({ ...first(e.notifications), id: 'n2', eventId: 'e9' }),
    offender: 'welcome for ada: 2 times',
  },
  {
    check: 'duplicate effects',
    defect: 'a name that was sent once was applied twice',
    introduce: (e) =>
      e.feeds.user.push(entry('ada', 2, 'user.updated', { id: 'ada', displayName: 'Countess', version: 3 })),
    offender: 'rename a0 happened 2 times in 1 attempts',
  },
  {
    check: 'duplicate effects',
    defect: 'a feed has two entries of one state',
    introduce: (e) => e.feeds.payment.push({ ...first(e.feeds.payment), seq: 3 }),
    offender: 'payment.updated pay1 version 1 in the feed of ada: 2 times',
  },
  {
    check: 'duplicate effects',
    defect: 'there are two events of one version of an entity',
    introduce: (e) => e.outbox.payment.push({ ...first(e.outbox.payment), id: 'e9' }),
    offender: 'event of pay1 version 1: 2 times',
  },
  {
    check: 'copies that differ from their source',
    defect: 'a copy is missing',
    introduce: (e) => without(e.copies.payment, () => true),
    offender: 'payment has no copy of ada',
  },
  {
    check: 'copies that differ from their source',
    defect: 'a copy is a version behind',
    introduce: (e) => Object.assign(first(e.copies.payment), { version: 1 }),
    offender: 'payment: {"id":"ada","version":1',
  },
  {
    check: 'copies that differ from their source',
    defect: 'a copy has the right version and the wrong name',
    introduce: (e) => Object.assign(first(e.copies.notification), { displayName: 'Ada' }),
    offender: '"displayName":"Ada"',
  },
  {
    check: 'copies that differ from their source',
    defect: 'a copy of an existing user is a tombstone',
    introduce: (e) => Object.assign(first(e.copies.notification), { deleted: true }),
    offender: '"deleted":true',
  },
  {
    check: 'copies that differ from their source',
    defect: 'there is a copy of an unknown user',
    introduce: (e) => e.copies.payment.push({ id: 'eve', version: 1, deleted: false }),
    offender: 'copy of an unknown user',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client missed an entry in the middle',
    introduce: (e) => without(adas(e).live, ({ seq }) => seq === 2),
    offender: 'live entries begin at 3, pulled ones end at 1',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client saw an entry twice',
    introduce: (e) => adas(e).live.push(structuredClone(first(adas(e).live, ({ seq }) => seq === 3))),
    offender: 'should be number 4',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client saw entries in the wrong order',
    introduce: (e) => adas(e).live.reverse(),
    offender: 'live entries begin at 3',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client stopped short of the head',
    introduce: (e) => adas(e).live.pop(),
    offender: 'it saw up to 2, the head is 3',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client saw an entry that differs from the feed',
    introduce: (e) =>
      Object.assign(first(adas(e).live), { data: { notification: { id: 'else', version: 1 } } }),
    offender: 'number 2 was {"seq":2',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client saw an entry that is in no feed',
    introduce: (e) => {
      const invented = entry('grace', 2, 'payment.updated', { id: 'pay9', status: 'succeeded', version: 1 });
      first(e.clients, ({ userId }) => userId === 'grace').live.push(seen(invented));
      first(e.heads.payment, ({ userId }) => userId === 'grace').seq = 2;
    },
    offender: 'the feed has {}',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client missed the oldest entry',
    introduce: (e) => adas(e).pulled.splice(0),
    offender: 'live entries begin at 2, pulled ones end at 0',
  },
  {
    check: 'clients whose view differs from their feed',
    defect: 'a client was reset',
    introduce: (e) => adas(e).troubles.push('feed.reset too-old'),
    offender: 'feed.reset too-old',
  },
  {
    check: 'unpublished outbox rows',
    defect: 'a row was never published',
    introduce: (e) => Object.assign(first(e.outbox.payment), { published: false }),
    offender: 'payment: {"id":"e-pay"',
  },
  {
    check: 'published events that were not handled',
    defect: 'a published event is in no inbox',
    introduce: (e) => without(e.inbox, ({ eventId }) => eventId === 'e-paid'),
    offender: 'notification has not handled {"id":"e-paid"',
  },
  {
    check: 'unexpected dead letters and retries',
    defect: 'a valid event is a dead letter',
    introduce: (e) => e.letters.push(letter('warren.notification.dead', 'e-paid')),
    offender: '"messageId":"e-paid"',
  },
  {
    check: 'unexpected dead letters and retries',
    defect: 'a valid event still waits for its retry',
    introduce: (e) => e.letters.push(letter('warren.notification.retry.30s', 'e-paid')),
    offender: 'retry.30s',
  },
  {
    check: 'planted events that were lost',
    defect: 'a malformed event is not a dead letter',
    introduce: (e) => without(e.letters, ({ queue }) => queue === 'warren.payment.dead'),
    offender: 'malformed p1 of payment: nowhere',
  },
  {
    check: 'planted events that were lost',
    defect: 'an event of an unknown type disappeared',
    introduce: (e) => without(e.letters, ({ queue }) => queue === 'warren.notification.retry.30s'),
    offender: 'unknown-type p2 of notification: nowhere',
  },
  {
    check: 'feeds with a gap',
    defect: 'a number is missing in a feed',
    introduce: (e) => without(e.feeds.notification, ({ userId, seq }) => userId === 'grace' && seq === 1),
    offender: 'notification, user grace: head 2, entries [2]',
  },
  {
    check: 'feeds with a gap',
    defect: 'a feed ends before its head',
    introduce: (e) => first(e.heads.user).seq++,
    offender: 'user, user ada: head 2, entries [1]',
  },
  {
    check: 'counts that differ from the notifications',
    defect: 'an unread count is too high',
    introduce: (e) => first(e.counts).unread++,
    offender: 'but 1 are unread',
  },
  {
    check: 'balances that are not the sum of their entries',
    defect: 'a balance is higher than the sum of its entries',
    introduce: (e) => Object.assign(first(e.balances), { held: '1' }),
    offender: 'person:ada',
  },
  {
    check: 'balances that are not the sum of their entries',
    defect: 'a balance is missing',
    introduce: (e) => Object.assign(first(e.balances), { held: null }),
    offender: 'person:ada',
  },
  {
    check: 'valid actions that were refused',
    defect: 'a valid payment was refused',
    introduce: (e) => {
      Object.assign(action(e, 'a1'), { outcome: 'refused' });
      e.payments.splice(0);
    },
    offender: '"outcome":"refused"',
  },
  {
    check: 'processes that crashed or did not shut down cleanly',
    defect: 'a service crashed',
    introduce: (e) =>
      Object.assign(e, { badEnds: [{ instance: 'user/0', what: 'it ended by itself: exit code 1' }] }),
    offender: 'user/0: it ended by itself',
  },
  {
    check: 'activity that did not end in time',
    defect: 'work did not finish in time',
    introduce: (e) => Object.assign(e, { ongoing: ['3 in warren.payment.events'] }),
    offender: '3 in warren.payment.events',
  },
];

const offendersIn = (evidence: Evidence, check: string) =>
  checkAll(evidence).find(({ name }) => name === check)?.offenders ?? [];

describe('the checks', () => {
  it('find nothing in correct evidence', () => {
    expect(checkAll(correctEvidence()).filter(({ count }) => count > 0)).toEqual([]);
  });

  it.each(defects)('find that $defect', ({ check, introduce, offender }) => {
    const evidence = correctEvidence();
    introduce(evidence);
    expect(offendersIn(evidence, check).join('\n')).toContain(offender);
  });

  it('each find at least one of the defects', () => {
    expect([...new Set(defects.map(({ check }) => check))].sort()).toEqual(
      checks.map(({ name }) => name).sort(),
    );
  });

  it('allow an unanswered action to happen once or not at all', () => {
    const happened = correctEvidence();
    Object.assign(action(happened, 'a1'), { outcome: 'unknown', paymentId: undefined });
    expect(offendersIn(happened, 'duplicate effects')).toEqual([]);
    const unhappened = correctEvidence();
    Object.assign(action(unhappened, 'a1'), { outcome: 'unknown', paymentId: undefined });
    unhappened.payments.splice(0);
    expect(offendersIn(unhappened, 'accepted actions lost')).toEqual([]);
  });
});
