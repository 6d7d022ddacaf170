import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { deletedEvent, userEvent } from '@warren/service-testing';
import { eventually, type FaultProxy, faultProxy } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { paymentEvent, startTimeout, World } from './support/service.js';
import { type MailServer, mailServer } from './support/smtp.js';

let server: MailServer;
let proxy: FaultProxy;
let world: World;
beforeAll(async () => {
  server = await mailServer();
  proxy = await faultProxy({ host: '127.0.0.1', port: server.port });
  world = await World.create({
    env: {
      SMTP_URL: `smtp://127.0.0.1:${proxy.port}`,
      MAIL_FROM: 'Warren <hello@warren.example>',
      WEB_URL: 'https://warren.example/',
    },
    timing: { sendMs: 1_000, stopMs: 500 },
  });
}, startTimeout);
afterAll(async () => {
  await world.close();
  await proxy.close();
  await server.close();
});
afterEach(() => {
  proxy.resume();
  server.refuse = () => undefined;
});

const someAddress = () => `${uuidv7()}@example.org`;

/** Registers a person, and writes a notice that leads to one mail. */
async function register(email: string, changes = {}) {
  const person = await world.register('Ada', { email, ...changes });
  await world.alert(person);
  return person;
}

/** Makes the person's waiting deliveries due now. */
async function makeDue(userId: string): Promise<void> {
  await world.client.delivery.updateMany({ where: { userId, settledAt: null }, data: { dueAt: new Date() } });
}

const deliveriesOf = (userId: string) => world.client.delivery.findMany({ where: { userId } });

describe('a mail', () => {
  it('goes to the person, with the text of the notification and a link to the web app', async () => {
    const [ada, email] = [await world.register('Ada'), someAddress()];
    const grace = await register(email, { locale: 'de' });
    const event = paymentEvent('payment.succeeded', ada, grace);
    await world.bus.publish(event);
    await eventually(() => expect(server.to(email)).toHaveLength(2));
    const paid = server.to(email).find(({ subject }) => subject === 'Zahlung erhalten');
    expect(paid).toMatchObject({ from: 'hello@warren.example', to: [email] });
    expect(paid?.text).toContain('Du hast 12,50\u00a0€ von „Ada“ erhalten.');
    expect(paid?.text).toContain(`https://warren.example/payments/${JSON.parse(event.body).data.id}`);
    const { title } = (await world.inbox(grace))[0] ?? {};
    expect(title).toBe('Zahlung erhalten');
  });

  it('has the same id for all tries, and is erased once it is sent', async () => {
    const email = someAddress();
    const ada = await register(email);
    await eventually(async () => expect((await deliveriesOf(ada))[0]?.outcome).toBe('sent'));
    const [delivery] = await deliveriesOf(ada);
    expect(server.to(email)[0]?.messageId).toBe(`<${delivery?.id}@warren.example>`);
    expect(delivery).toMatchObject({ content: null, address: null, attempts: 1, failure: null });
  });

  it('is not written again when its event is repeated', async () => {
    const [ada, grace] = [await world.register('Ada'), await world.register('Grace')];
    const event = paymentEvent('payment.succeeded', ada, grace);
    await world.bus.publish(event);
    expect(await deliveriesOf(grace)).toHaveLength(1);
    // After a month the inbox and the deliveries are forgotten.
    await world.client.$executeRaw`DELETE FROM messaging.inbox`;
    await world.client.delivery.deleteMany({ where: { userId: grace } });
    await world.bus.publish(event);
    expect(await deliveriesOf(grace)).toEqual([]);
  });

  it('shows markup and line breaks in names as text', async () => {
    const email = someAddress();
    const displayName = '<b>Ada</b>\r\nBcc: eve\r\n\r\n.\r\nQUIT';
    const eve = await world.register(displayName);
    const grace = await world.register('Grace', { email });
    await world.bus.publish(paymentEvent('payment.succeeded', eve, grace));
    await eventually(() => expect(server.to(email)).toHaveLength(1));
    const [mail] = server.to(email);
    expect(mail?.to).toEqual([email]);
    const headers = mail?.raw.split('\r\n\r\n')[0];
    expect(headers).not.toMatch(/^bcc:|eve/im);
    expect(mail?.raw).toContain('“&lt;b&gt;Ada&lt;/b&gt; Bcc: eve . QUIT”');
    expect(mail?.text).not.toContain('Bcc: eve\r\n');
  });

  it('shortens names, and leaves out names that are links', async () => {
    const email = someAddress();
    const grace = await world.register('Grace', { email });
    const names = [
      'Your account is locked and we will close it unless you call us right now',
      'Claim it at https://evil.example',
    ];
    for (const name of names)
      await world.bus.publish(paymentEvent('payment.succeeded', await world.register(name), grace));
    await eventually(() => expect(server.to(email)).toHaveLength(2));
    const texts = server.to(email).map(({ text }) => text.split('\r\n')[0]);
    expect(texts.sort()).toEqual([
      'You received €12.50 from an account without a name.',
      'You received €12.50 from “Your account is locked and we will clos…”.',
    ]);
  });
});

describe('a person with many notices within an hour', () => {
  const hourNow = () => Math.floor(Date.now() / 3_600_000);
  const kindsMailed = async (userId: string) => (await deliveriesOf(userId)).map(({ kind }) => kind);
  const paidOf = async (userId: string) =>
    (await kindsMailed(userId)).filter((kind) => kind === 'payment-received').length;

  /** A person who was paid this often within one clock hour. Starts again if an hour ends in between. */
  async function paid(times: number) {
    for (;;) {
      const [hour, email] = [hourNow(), someAddress()];
      const [ada, grace] = [await world.register('Ada'), await world.register('Grace', { email })];
      const pay = () => world.bus.publish(paymentEvent('payment.succeeded', ada, grace, { amount: 1 }));
      for (let made = 0; made < times; made += 1) await pay();
      if (hourNow() === hour) return { grace, email, hour, pay };
    }
  }

  it('gets twenty mails and one with a link to the inbox, which has all notifications', async () => {
    const { grace, email, hour } = await paid(25);
    expect(await world.inbox(grace)).toHaveLength(26);
    expect(await paidOf(grace)).toBe(20);
    const others = (await deliveriesOf(grace)).filter(({ kind }) => kind !== 'payment-received');
    const endOfHour = new Date((hour + 1) * 3_600_000);
    expect(others).toMatchObject([{ kind: 'more-notifications', dueAt: endOfHour, outcome: null }]);
    // A mail that is not settled yet would be sent again if it were made due.
    const sent = () => world.client.delivery.count({ where: { userId: grace, outcome: 'sent' } });
    await eventually(async () => expect(await sent()).toBe(20));
    // A mail whose try was cut off may arrive twice, with the same id.
    const ids = () => new Set(server.to(email).map(({ messageId }) => messageId));
    expect(ids().size).toBe(20);
    await makeDue(grace);
    await eventually(() => expect(ids().size).toBe(21));
    expect(server.to(email)).toContainEqual(
      expect.objectContaining({
        subject: 'More is in your inbox',
        text: expect.stringContaining('https://warren.example/notifications'),
      }),
    );
  });

  it('still gets mails that cannot be switched off', async () => {
    const { grace } = await paid(21);
    await world.alert(grace);
    expect(await kindsMailed(grace)).toContain('security-alert');
  });

  it('gets twenty more in the next hour', async () => {
    const { grace, pay } = await paid(21);
    await world.client.$executeRaw`
      UPDATE deliveries SET created_at = created_at - interval '1 hour' WHERE user_id = ${grace}::uuid`;
    await pay();
    expect(await paidOf(grace)).toBe(21);
  });
});

describe('a mail server', () => {
  it('that is down does not delay the inbox, and gets the mail once it is back', async () => {
    proxy.refuse();
    const email = someAddress();
    const ada = await register(email);
    expect(await world.inbox(ada)).toHaveLength(2);
    await eventually(async () => expect((await deliveriesOf(ada))[0]?.failure).toMatch(/ECONN|ESOCKET/));
    expect(await deliveriesOf(ada)).toMatchObject([{ settledAt: null, outcome: null }]);
    proxy.resume();
    await makeDue(ada);
    await eventually(() => expect(server.to(email)).toHaveLength(1));
    await eventually(async () => expect((await deliveriesOf(ada))[0]).toMatchObject({ outcome: 'sent' }));
  });

  it('that hangs delays no later mail longer than one try', async () => {
    proxy.stall();
    const emails = Array.from({ length: 12 }, someAddress);
    const people = await Promise.all(emails.map((email) => register(email)));
    for (const person of people) expect(await world.inbox(person)).toHaveLength(2);
    await eventually(async () => {
      const [delivery] = await deliveriesOf(people[0] ?? '');
      expect(delivery?.failure).toBe('timeout');
    });
    proxy.resume();
    await eventually(
      async () => {
        for (const person of people) await makeDue(person);
        for (const email of emails) expect(server.to(email).length).toBeGreaterThan(0);
      },
      { within: 20_000 },
    );
    await eventually(async () => {
      for (const person of people) expect((await deliveriesOf(person))[0]?.outcome).toBe('sent');
    });
  }, 40_000);

  it.each([
    [550, 'given-up', 'EENVELOPE 550'],
    [450, null, 'EENVELOPE 450'],
  ])('that answers %i to a recipient leads to the outcome %s', async (code, outcome, failure) => {
    const email = someAddress();
    server.refuse = (address) => (address === email ? code : undefined);
    const ada = await register(email);
    await eventually(async () => expect(await deliveriesOf(ada)).toMatchObject([{ outcome, failure }]));
    expect(server.to(email)).toEqual([]);
  });

  it('that never comes back gets no mail after it is too late for it', async () => {
    proxy.refuse();
    const ada = await register(someAddress());
    await eventually(async () => expect((await deliveriesOf(ada))[0]?.failure).not.toBeNull());
    await world.client.delivery.updateMany({ where: { userId: ada }, data: { giveUpAt: new Date() } });
    await makeDue(ada);
    await eventually(async () =>
      expect(await deliveriesOf(ada)).toMatchObject([
        { outcome: 'given-up', failure: 'too-late', content: null },
      ]),
    );
  });
});

describe('an address that nobody has verified', () => {
  it('gets no mail until it is verified, and only later notices after that', async () => {
    const email = someAddress();
    const ada = await register(email, { emailVerified: false });
    expect(await world.inbox(ada)).toHaveLength(2);
    expect(await deliveriesOf(ada)).toEqual([]);
    await world.bus.publish(userEvent('user.updated', ada, 2, { email, emailVerified: true }));
    await world.bus.publish(paymentEvent('payment.failed', ada, await world.register('Grace')));
    await eventually(() => expect(server.to(email)).toHaveLength(1));
    expect(server.to(email)[0]?.subject).toBe('Payment failed');
  });

  it('belongs to everybody who registers, so the preferences promise no welcome by mail', async () => {
    const email = someAddress();
    const ada = await world.register('Ada', { email });
    expect((await world.inbox(ada)).map(({ kind }) => kind)).toEqual(['welcome']);
    expect(await deliveriesOf(ada)).toEqual([]);
    const { items } = (await world.http(ada, 'GET', '/preferences')).body;
    expect(items).toContainEqual({
      kind: 'welcome',
      locked: false,
      channels: { 'in-app': true, email: false, push: false },
    });
  });

  it('gets no mail that an older build wrote; a mail waits while this is not known', async () => {
    proxy.refuse();
    const [email, other] = [someAddress(), someAddress()];
    const [ada, grace] = [await register(email), await register(other)];
    for (const person of [ada, grace])
      await eventually(async () => expect((await deliveriesOf(person))[0]?.failure).toMatch(/ECONN|ESOCKET/));
    await world.client.userCopy.update({ where: { id: ada }, data: { emailVerified: false } });
    await world.client.userCopy.update({ where: { id: grace }, data: { emailVerified: null } });
    proxy.resume();
    for (const person of [ada, grace]) await makeDue(person);
    await eventually(async () =>
      expect(await deliveriesOf(ada)).toMatchObject([{ outcome: 'given-up', failure: 'unverified' }]),
    );
    await eventually(async () =>
      expect(await deliveriesOf(grace)).toMatchObject([{ outcome: null, failure: 'no-address' }]),
    );
    expect([server.to(email), server.to(other)]).toEqual([[], []]);
  });
});

describe('a person', () => {
  it('whose address is not known yet gets the mail once it is', async () => {
    proxy.refuse();
    const email = someAddress();
    const ada = await register(email);
    await eventually(async () => expect((await deliveriesOf(ada))[0]?.failure).not.toBeNull());
    await world.client.userCopy.update({ where: { id: ada }, data: { email: null } });
    proxy.resume();
    await makeDue(ada);
    await eventually(async () => expect((await deliveriesOf(ada))[0]?.failure).toBe('no-address'));
    await world.client.userCopy.update({ where: { id: ada }, data: { email } });
    await makeDue(ada);
    await eventually(() => expect(server.to(email)).toHaveLength(1));
  });

  it('who is deleted leaves no delivery, and gets no mail that was waiting', async () => {
    proxy.refuse();
    const email = someAddress();
    const ada = await register(email);
    await eventually(async () => expect((await deliveriesOf(ada))[0]?.failure).not.toBeNull());
    await world.bus.publish(deletedEvent(ada, 3));
    proxy.resume();
    expect(await deliveriesOf(ada)).toEqual([]);
    // This mail is sent after all that were due before it.
    const other = someAddress();
    await register(other);
    await eventually(() => expect(server.to(other)).toHaveLength(1));
    expect(server.to(email)).toEqual([]);
  });
});

describe('several instances', () => {
  it(
    'send each mail once',
    async () => {
      // The tries have enough time: a mail may arrive although its try was cut off.
      const env = { SMTP_URL: `smtp://127.0.0.1:${proxy.port}` };
      const first = await World.create({ env });
      const second = await World.create({ env, database: first.database });
      const emails = Array.from({ length: 40 }, someAddress);
      await Promise.all(emails.map(async (email) => first.alert(await first.register('Ada', { email }))));
      await eventually(
        async () => {
          const sent = await first.client.delivery.count({ where: { outcome: 'sent' } });
          expect(sent).toBe(emails.length);
        },
        { within: 20_000 },
      );
      await second.close();
      await first.close();
      expect(emails.map((email) => server.to(email).length)).toEqual(emails.map(() => 1));
    },
    startTimeout,
  );
});
