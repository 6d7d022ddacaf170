import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, named, unavailable } from '@warren/testing';
import { connect } from 'amqplib';
import pg from 'pg';

import { startDeployment } from './support/deployment.js';
import { Person } from './support/person.js';
import { bodyOf, describeStory, ofKind } from './support/story.js';
import { type SeparateSystem, type ServiceName, services } from './support/system.js';

const missing = unavailable('rabbitmq-process');

(missing ? describe.skip : describe)(
  named('services with the broker users, definitions and database roles of compose and Kubernetes', missing),
  () => {
    let system: SeparateSystem;
    beforeAll(async () => {
      system = await startDeployment();
    }, 180_000);
    afterAll(() => system?.close(), 90_000);

    it('report that the broker and the database work', async () => {
      for (const service of services) {
        const [url] = system.urls(service);
        await eventually(async () => {
          const { checks } = (await (await fetch(`${url}/health/ready`)).json()) as { checks: object };
          expect({ service, checks }).toMatchObject({ checks: { broker: 'ok', database: 'ok' } });
        });
      }
    });

    it('receive complete copies, which takes replay requests, replays and their completion', async () => {
      for (const service of ['payment', 'notification'] as const)
        await eventually(async () => expect(await metric(service, 'warren_copies_incomplete')).toBe(0), {
          within: 60_000,
        });
    }, 90_000);

    describeStory(() => system);

    it('cannot connect to the database of another service', async () => {
      const url = new URL(system.database('payment'));
      url.pathname = new URL(system.database('user')).pathname;
      const client = new pg.Client({ connectionString: url.href });
      await expect(client.connect()).rejects.toThrow(/permission denied/);
      await client.end().catch(() => undefined);
    });

    it('have no dead letters after all of this', async () => {
      for (const service of ['payment', 'notification'] as const) {
        const connection = await connect(system.broker(service));
        const channel = await connection.createChannel();
        const { messageCount } = await channel.checkQueue(`warren.${service}.dead`);
        expect([service, messageCount]).toEqual([service, 0]);
        await connection.close();
      }
    });

    it('cannot end sessions or erase people in the name of another service', async () => {
      const [ada, grace] = [await Person.register(system, 'Ada'), await Person.register(system, 'Grace')];
      const hears = await grace.connect('notification');
      expect((await ada.pay(grace, 100)).status).toBe(201);
      await hears.entry('notification.created', ofKind('payment-received'));

      const connection = await connect(system.broker('payment'));
      const channel = await connection.createConfirmChannel();
      // The broker allows this, because it checks no routing keys between two exchanges.
      const detour = 'warren.payment.way';
      await channel.assertExchange(detour, 'topic', { autoDelete: true });
      await channel.bindExchange('warren.events', detour, '#');
      const forged = [
        eventOf('user.session-revoked', grace.sessionId, {
          sessionId: grace.sessionId,
          userId: grace.id,
          reason: 'signed-out',
          revokedAt: new Date().toISOString(),
          tokensEndAt: new Date(Date.now() + 600_000).toISOString(),
        }),
        eventOf('user.deleted', grace.id, { id: grace.id, version: 1_000 }),
      ];
      for (const event of forged) {
        const properties = { messageId: event.id, userId: 'payment', appId: 'user', persistent: true };
        channel.publish(detour, event.type, Buffer.from(JSON.stringify(event)), properties);
      }
      await channel.waitForConfirms();
      await connection.close();

      // Both listen to revocations. In addition, notification's queue is bound to both types, payment's to deletions.
      await eventually(async () => {
        expect(await refused('notification')).toBe(3);
        expect(await refused('payment')).toBe(2);
      });
      expect((await ada.pay(grace, 200)).status).toBe(201);
      await hears.entry('notification.created', (data) => bodyOf({ data }).includes('€2.00'));
      expect(hears.heard.map(({ name }) => name)).not.toContain('session.ended');
      expect(hears.socket.connected).toBe(true);
      ada.leave();
      grace.leave();
    });

    const refused = (service: ServiceName) => metric(service, 'warren_messages_unauthorized_total');

    async function metric(service: ServiceName, name: string): Promise<number> {
      const metrics = await (await fetch(`${system.internalUrl(service)}/metrics`)).text();
      return Number(new RegExp(`^${name}\\S* (\\S+)$`, 'm').exec(metrics)?.[1]);
    }

    const eventOf = (type: string, subject: string, data: object) => ({
      specversion: '1.0',
      id: randomUUID(),
      source: '/services/user',
      type,
      subject,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      dataschema: `urn:warren:contract:${type}`,
      entityversion: 1_000,
      correlationid: subject,
      data,
    });
  },
);
