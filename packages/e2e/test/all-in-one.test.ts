import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AllInOne } from './support/all-in-one.js';
import { Person } from './support/person.js';
import { bodyOf, describeStory, expectGapless, ofKind } from './support/story.js';

describe('all in one process, on an embedded PostgreSQL and the memory bus', () => {
  let system: AllInOne;
  beforeAll(async () => {
    system = await AllInOne.start();
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  describeStory(() => system);

  it('killed right after a payment and started again: clients resume with all of it, in order', async () => {
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

  it('SIGTERM ends it with exit code 0, and its data is there again', async () => {
    const ada = await Person.register(system, 'Ada');
    expect(await system.stop()).toBe(0);
    await system.restart();
    const { email, password } = ada;
    expect((await ada.http('user', 'POST', '/sessions', { email, password })).status).toBe(201);
  }, 90_000);
});
