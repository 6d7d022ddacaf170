import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { Person } from '../support/person.js';
import { StandstillWatch } from '../support/standstill.js';
import { SeparateSystem, services } from '../support/system.js';

/** The number of measurements, each with a socket on each instance of each service, and the maximum of attempts. */
const measurements = 40;
const maxAttempts = 100;
/** A measurement in which the machine stalled for longer, in milliseconds, doesn't count. */
const maxStandstillMs = 200;

describe('ending a session, over three services with two instances each', () => {
  let system: SeparateSystem;
  beforeAll(async () => {
    system = await SeparateSystem.start(2);
  }, 120_000);
  afterAll(() => system?.close(), 60_000);

  it('closes its last socket within a second at p99, and no socket of another session', async () => {
    const person = await Person.register(system, 'Ada');
    const stays = await person.connect('payment');
    const took: number[] = [];
    const standstill = new StandstillWatch();
    for (let attempt = 0; took.length < measurements && attempt < maxAttempts; attempt += 1) {
      const ending = await person.signInAgain();
      const logs = await Promise.all(
        services.flatMap((service) => [0, 1].map((instance) => ending.connect(service, { instance }))),
      );
      const closed = logs.map(
        ({ socket }) =>
          new Promise<number>((resolve) => socket.once('disconnect', () => resolve(Date.now()))),
      );
      standstill.take();
      const asked = Date.now();
      const { status } = await person.http('user', 'DELETE', `/sessions/${ending.sessionId}`);
      expect(status).toBe(204);
      const until = Math.max(...(await Promise.all(closed)));
      if (standstill.take() <= maxStandstillMs) took.push(until - asked);
      for (const log of logs) {
        expect(await log.waitFor('session.ended')).toEqual([{ code: 'session-revoked', temporary: false }]);
      }
      ending.leave();
    }
    standstill.stop();
    expect(took).toHaveLength(measurements);
    took.sort((a, b) => a - b);
    const at = (share: number) => took[Math.min(took.length - 1, Math.ceil(share * took.length) - 1)] ?? 0;
    console.info(`DELETE /sessions/:id to the last of 6 sockets: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
    expect(at(0.99)).toBeLessThan(1_000);
    expect(stays.socket.connected).toBe(true);
    person.leave();
  }, 120_000);

  it('invalidates its tokens for requests, handshakes and refreshes of every service', async () => {
    const person = await Person.register(system, 'Ada');
    const ended = await person.signInAgain();
    await person.http('user', 'DELETE', `/sessions/${ended.sessionId}`);
    const refused = { status: 401, body: { code: 'session-revoked', temporary: false } };
    for (const [service, path] of [
      ['user', '/users/me'],
      ['payment', '/payments'],
      ['notification', '/notifications'],
    ] as const) {
      await eventually(async () => expect(await ended.http(service, 'GET', path)).toMatchObject(refused));
      const log = await person.connect(service);
      expect(await log.command('session.refresh', { token: ended.token })).toMatchObject({
        ok: false,
        error: { code: 'session-revoked' },
      });
    }
    person.leave();
  });

  it('is known to an instance that starts afterwards', async () => {
    const person = await Person.register(system, 'Ada');
    const ended = await person.signInAgain();
    await system.stop('payment', 1);
    await person.http('user', 'DELETE', `/sessions/${ended.sessionId}`);
    await system.restart('payment', 1);
    const url = system.urls('payment')[1];
    const response = await fetch(`${url}/payments`, { headers: { authorization: `Bearer ${ended.token}` } });
    expect(response.status).toBe(401);
  }, 60_000);
});
