import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deletedEvent, encoded } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { startTimeout, World } from './support/service.js';
import { type MailServer, mailServer } from './support/smtp.js';

let server: MailServer;
let world: World;
const lines: string[] = [];
beforeAll(async () => {
  server = await mailServer();
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  world = await World.create({ env: { SMTP_URL: server.url, WEB_URL: 'https://warren.example' }, log });
}, startTimeout);
afterAll(async () => {
  await world.close();
  await server.close();
});

const token = () => `${uuidv7()}${uuidv7()}`.replaceAll('-', '');
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

type TokenEvent = 'user.password-reset-requested' | 'user.email-verification-requested';

function tokenEvent(
  type: TokenEvent,
  data: { userId: string; email: string; token: string; expiresAt: string },
) {
  return encoded({ type, subject: data.userId, version: 1, data });
}

describe('a mailed token', () => {
  it.each([
    ['user.password-reset-requested', 'Set a new password', 'https://warren.example/reset-password#token='],
    [
      'user.email-verification-requested',
      'Confirm your email address',
      'https://warren.example/verify-email#token=',
    ],
  ] as const)(
    '%s is mailed once to the address in the event, without a notification',
    async (type, subject, link) => {
      const [ada, email] = [
        await world.register('Ada', { email: 'old@example.org' }),
        `${uuidv7()}@example.org`,
      ];
      const data = { userId: ada, email, token: token(), expiresAt: inAnHour() };
      const event = tokenEvent(type, data);
      await world.bus.publish(event);
      await world.client.$executeRaw`DELETE FROM messaging.inbox`;
      await world.bus.publish(event);
      await eventually(() => expect(server.to(email)).toHaveLength(1));
      expect(server.to(email)[0]).toMatchObject({
        subject,
        text: expect.stringContaining(link + data.token),
      });
      expect((await world.inbox(ada)).map(({ kind }) => kind)).toEqual(['welcome']);
      expect((await world.feed(ada)).map((entry) => entry.type)).toEqual(['notification.created']);
      await eventually(async () =>
        expect(await world.client.delivery.findMany({ where: { address: email } })).toEqual([]),
      );
      expect(server.to(email)).toHaveLength(1);
    },
  );

  it('is also mailed to a person without a copy', async () => {
    const email = `${uuidv7()}@example.org`;
    const data = { userId: uuidv7(), email, token: token(), expiresAt: inAnHour() };
    await world.bus.publish(tokenEvent('user.email-verification-requested', data));
    await eventually(() => expect(server.to(email)).toHaveLength(1));
  });

  it('is in no log, and in no row once it is sent or given up', async () => {
    const refused = `${uuidv7()}@example.org`;
    server.refuse = (address) => (address === refused ? 550 : undefined);
    const data = { userId: uuidv7(), email: refused, token: token(), expiresAt: inAnHour() };
    await world.bus.publish(tokenEvent('user.password-reset-requested', data));
    await eventually(async () => {
      const rows = await world.client.delivery.findMany({ where: { userId: data.userId } });
      expect(rows).toMatchObject([{ outcome: 'given-up', content: null, address: null }]);
    });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes(data.token) || line.includes(refused))).toEqual([]);
    const tables = await world.client.$queryRaw<{ row: string }[]>`
      SELECT d::text AS row FROM deliveries d UNION ALL SELECT i::text FROM messaging.inbox i
      UNION ALL SELECT o::text FROM messaging.outbox o UNION ALL SELECT f::text FROM messaging.feed f`;
    expect(tables.filter(({ row }) => row.includes(data.token))).toEqual([]);
  });

  it('that has expired is not sent', async () => {
    const email = `${uuidv7()}@example.org`;
    const data = { userId: uuidv7(), email, token: token(), expiresAt: new Date().toISOString() };
    await world.bus.publish(tokenEvent('user.password-reset-requested', data));
    await eventually(async () => {
      const rows = await world.client.delivery.findMany({ where: { userId: data.userId } });
      expect(rows).toMatchObject([{ outcome: 'given-up', failure: 'too-late', content: null }]);
    });
    expect(server.to(email)).toEqual([]);
  });

  it('for a deleted person leads to no delivery', async () => {
    const ada = await world.register('Ada');
    await world.bus.publish(deletedEvent(ada, 3));
    const data = { userId: ada, email: 'ada@example.org', token: token(), expiresAt: inAnHour() };
    await world.bus.publish(tokenEvent('user.password-reset-requested', data));
    expect(await world.client.delivery.count({ where: { userId: ada } })).toBe(0);
  });
});
