import { expect, it } from '@jest/globals';
import { Person } from './person.js';
import type { SocketLog } from './socket-log.js';
import type { System } from './system.js';

/** Expects consecutive sequence numbers. */
export function expectGapless(log: SocketLog): void {
  const first = log.seqs[0] ?? 1;
  expect(log.seqs).toEqual(log.seqs.map((_, index) => first + index));
}

export function bodyOf(entry: { data: Record<string, unknown> }): string {
  const { title, body } = entry.data.notification as { title: string; body: string };
  return `${title} ${body}`;
}

export const ofKind = (kind: string) => (data: Record<string, unknown>) =>
  (data.notification as { kind?: string } | undefined)?.kind === kind;

/** The main story through HTTP and sockets only. It is the same in every topology. */
export function describeStory(system: () => System): void {
  it('a payment reaches the sockets of both people on the namespaces of all services', async () => {
    const [ada, grace] = [await Person.register(system(), 'Ada'), await Person.register(system(), 'Grace')];
    const [adaPays, graceIsPaid] = [await ada.connect('payment'), await grace.connect('payment')];
    const [adaHears, graceHears] = [await ada.connect('notification'), await grace.connect('notification')];

    const { status, body } = await ada.pay(grace, 1250);
    expect({ status, state: body.status }).toEqual({ status: 201, state: 'succeeded' });

    const succeeded = (data: Record<string, unknown>) => data.id === body.id && data.status === 'succeeded';
    await adaPays.entry('payment.updated', succeeded);
    await graceIsPaid.entry('payment.updated', succeeded);
    expect(bodyOf(await adaHears.entry('notification.created', ofKind('payment-sent')))).toMatch(
      /Grace.*€12\.50|€12\.50.*Grace/,
    );
    expect(bodyOf(await graceHears.entry('notification.created', ofKind('payment-received')))).toMatch(
      /Ada.*€12\.50|€12\.50.*Ada/,
    );
    for (const log of [adaPays, graceIsPaid, adaHears, graceHears]) expectGapless(log);
    ada.leave();
    grace.leave();
  });

  it.each([
    ['JPY', '¥1,250'],
    ['KWD', '1.250'],
  ])('an amount in %s is formatted with the minor units of its currency', async (currency, text) => {
    const [ada, grace] = [await Person.register(system(), 'Ada'), await Person.register(system(), 'Grace')];
    const hears = await grace.connect('notification');
    expect((await ada.pay(grace, 1250, { currency })).status).toBe(201);
    expect(bodyOf(await hears.entry('notification.created', ofKind('payment-received')))).toContain(text);
    ada.leave();
    grace.leave();
  });

  it('a changed display name appears in later notifications', async () => {
    const [ada, grace] = [await Person.register(system(), 'Ada'), await Person.register(system(), 'Grace')];
    const hears = await grace.connect('notification');
    const profile = await ada.connect('user');
    expect((await ada.http('user', 'PATCH', '/users/me', { displayName: 'Countess' })).status).toBe(200);
    await profile.entry('user.updated', (data) => data.displayName === 'Countess');
    for (let amount = 100; ; amount += 1) {
      await ada.pay(grace, amount);
      const text = `€${(amount / 100).toFixed(2)}`;
      const entry = await hears.entry(
        'notification.created',
        (data) => ofKind('payment-received')(data) && bodyOf({ data }).includes(text),
      );
      if (bodyOf(entry).includes('Countess')) break;
      expect(amount).toBeLessThan(120);
    }
    ada.leave();
    grace.leave();
  });

  it('a client that reconnects receives exactly the entries that it missed, in order', async () => {
    const [ada, grace] = [await Person.register(system(), 'Ada'), await Person.register(system(), 'Grace')];
    const before = await grace.connect('notification');
    await ada.pay(grace, 100);
    await before.entry('notification.created', ofKind('payment-received'));
    before.close();

    for (const amount of [201, 202, 203]) expect((await ada.pay(grace, amount)).status).toBe(201);
    const after = await grace.connect('notification', { cursor: before.cursor as string });
    for (const text of ['€2.01', '€2.02', '€2.03'])
      await after.entry('notification.created', (data) => bodyOf({ data }).includes(text));
    expectGapless(after);
    expect(after.seqs[0]).toBe((before.seqs.at(-1) ?? 0) + 1);
    expect(after.entries.map(bodyOf).filter((text) => text.includes('€2.0'))).toHaveLength(3);
    ada.leave();
    grace.leave();
  });

  it('marking a notification as read updates the counts in all tabs, and repeating the command returns the same answer', async () => {
    const [ada, grace] = [await Person.register(system(), 'Ada'), await Person.register(system(), 'Grace')];
    const [tab, otherTab] = [await grace.connect('notification'), await grace.connect('notification')];
    await ada.pay(grace, 100);
    const { data } = await tab.entry('notification.created', ofKind('payment-received'));
    const { id } = data.notification as { id: string };
    const input = { id, commandId: crypto.randomUUID() };
    const answer = await tab.command('notification.mark-read', input);
    expect(answer.ok).toBe(true);
    expect(await tab.command('notification.mark-read', input)).toEqual(answer);
    const isRead = (entry: Record<string, unknown>) => (entry.notification as { id: string }).id === id;
    const updated = await otherTab.entry('notification.updated', isRead);
    expect(updated.data.counts).toEqual((answer.data as { counts: unknown }).counts);
    expect(otherTab.entries.filter((entry) => entry.type === 'notification.updated')).toHaveLength(1);
    ada.leave();
    grace.leave();
  });
}
