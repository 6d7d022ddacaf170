import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deletedEvent, userEvent } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { v7 as uuidv7 } from 'uuid';
import { FakeProvider } from './support/fake-provider.js';
import { type Instance, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
const provider = new FakeProvider();
beforeAll(async () => {
  world = await World.create();
  service = await world.start({ provider });
}, startTimeout);
afterAll(() => world.close());
beforeEach(() => {
  provider.beforeMove = async () => undefined;
});

const copyOf = (id: string) =>
  service.client.userCopy.findUnique({ where: { id }, select: { id: true, version: true, deleted: true } });

describe('the copy of users', () => {
  it('accepts only newer versions, in whatever order they arrive', async () => {
    const id = uuidv7();
    for (const version of [2, 1, 3, 2]) await world.bus.publish(userEvent('user.updated', id, version));
    expect(await copyOf(id)).toEqual({ id, version: 3, deleted: false });
  });

  it('does not restore a deleted person after a late update', async () => {
    const id = uuidv7();
    await world.bus.publish(deletedEvent(id, 3));
    await world.bus.publish(userEvent('user.updated', id, 2));
    await world.bus.publish(userEvent('user.registered', id, 1));
    expect(await copyOf(id)).toEqual({ id, version: 3, deleted: true });
  });

  it('refuses payments to and from a deleted person', async () => {
    const [ada, grace] = await world.people();
    await world.bus.publish(deletedEvent(grace, 2));
    const toGone = await service.pay(ada, grace);
    expect([toGone.status, toGone.body.code]).toEqual([422, 'recipient-gone']);
    const fromGone = await service.pay(grace, ada);
    expect([fromGone.status, fromGone.body.code]).toEqual([401, 'session-revoked']);
    expect(await service.client.payment.count({ where: { payerId: { in: [ada, grace] } } })).toBe(0);
  });

  it('writes no feed entry for a person who is deleted during a payment', async () => {
    const [ada, grace] = await world.people();
    let charging: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      charging = resolve;
    });
    let goOn: () => void = () => undefined;
    provider.beforeMove = () => {
      charging();
      return new Promise<void>((resolve) => {
        goOn = resolve;
      });
    };
    const answer = service.pay(ada, grace);
    await reached;
    await world.bus.publish(deletedEvent(grace, 2));
    goOn();
    expect((await answer).body.status).toBe('succeeded');
    expect(await service.feed(grace)).toEqual([]);
    await eventually(async () => expect(await service.feed(ada)).toHaveLength(2));
  });
});
