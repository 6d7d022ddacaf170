import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import type { Ledger, Planted } from '../ledger.js';

/** A type that services are bound to, so that the event reaches their queues. */
const routingKey = 'user.updated';

/** Publishes an event that no service can handle, and records its message id. */
export async function plant(what: Planted['what'], brokerUrl: string, ledger: Ledger): Promise<void> {
  const planted: Planted = { id: randomUUID(), what, confirmed: false };
  ledger.planted.push(planted);
  const connection = await connect(brokerUrl, { timeout: 5_000 });
  connection.on('error', () => undefined);
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.publish('warren.events', routingKey, Buffer.from(bodyOf(planted)), {
      persistent: true,
      userId: decodeURIComponent(new URL(brokerUrl).username) || 'guest',
      contentType: 'application/cloudevents+json',
      messageId: planted.id,
    });
    await channel.waitForConfirms();
    planted.confirmed = true;
  } finally {
    await connection.close().catch(() => undefined);
  }
}

function bodyOf({ id, what }: Planted): string {
  if (what === 'malformed') return `{"id": "${id}", this is no JSON`;
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: '/services/user',
    type: 'user.renamed-by-nobody',
    subject: id,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: 'urn:warren:chaos:unknown',
    entityversion: 1,
    correlationid: id,
    data: { id },
  });
}
