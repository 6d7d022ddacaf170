import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listens } from '@warren/testing';
import { AllInOne } from './support/all-in-one.js';
import { Person } from './support/person.js';
import { bodyOf, describeStory, expectGapless, ofKind } from './support/story.js';

describe('all services in one process with an embedded PostgreSQL and the memory bus', () => {
  let system: AllInOne;
  beforeAll(async () => {
    system = await AllInOne.start();
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  describeStory(() => system);

  it('loses nothing when it is killed right after a payment: clients resume with every entry in order', async () => {
    const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
    const hears = await grace.connect('notification');
    await ada.pay(grace, 100);
    await hears.entry('notification.created', ofKind('payment-received'));

    const answers = await Promise.all([301, 302, 303].map((amount) => ada.pay(grace, amount)));
    await system.kill();
    await system.restart();
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201]);
    for (const text of ['€3.01', '€3.02', '€3.03']) {
      await hears.entry(
        'notification.created',
        (data) => ofKind('payment-received')(data) && bodyOf({ data }).includes(text),
      );
    }
    expect(hears.entries.filter((entry) => ofKind('payment-received')(entry.data))).toHaveLength(4);
    expectGapless(hears);
    ada.leave();
    grace.leave();
  }, 90_000);

  it('listens on loopback only', async () => {
    for (const url of system.urls('user')) {
      const port = Number(new URL(url).port);
      for (const each of [port, port + 1_000]) {
        expect(await listens('127.0.0.1', each)).toBe(true);
        // Only a listener on all addresses answers at this address.
        expect(await listens('127.0.0.2', each)).toBe(false);
      }
    }
  });

  it('exits with code 0 when it receives Ctrl-C twice, from the terminal and from npm', async () => {
    expect(await system.interrupt()).toBe(0);
    await system.restart();
  }, 90_000);

  it('exits with code 0 on SIGTERM and keeps its data', async () => {
    const ada = await Person.register(system, 'Ada');
    expect(await system.stop()).toBe(0);
    await system.restart();
    const { email, password } = ada;
    expect((await ada.http('user', 'POST', '/sessions', { email, password })).status).toBe(201);
  }, 90_000);
});
