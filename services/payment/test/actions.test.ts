import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@warren/contracts';
import type { Payment } from '@warren/payment-contract';
import { deletedEvent, listenTo, tokenFor } from '@warren/service-testing';
import { eventually } from '@warren/testing';
import { io, type Socket } from 'socket.io-client';
import { v7 as uuidv7 } from 'uuid';
import { mostConfirmations } from '../src/domain/confirmation.js';
import { type Instance, inOrder, startTimeout, World } from './support/service.js';

let world: World;
let service: Instance;
let heard: DomainEvent[];
beforeAll(async () => {
  world = await World.create();
  heard = await listenTo(world.bus, ['payment.processing', 'payment.succeeded', 'payment.canceled']);
  service = await world.start();
}, startTimeout);
afterAll(() => world.close());

async function waiting(paymentMethod = 'pm_card_authenticationRequired') {
  const [payer, recipient] = await world.people();
  const { body } = await service.pay(payer, recipient, { paymentMethod });
  expect(body.status).toBe('requires_action');
  return { payer, recipient, payment: body as Payment };
}

const act = (userId: string, { id }: Payment, what: string) =>
  service.http(userId, 'POST', `/payments/${id}/${what}`);
const statuses = async (userId: string) => (await service.feed(userId)).map(({ data }) => data.status);

describe('a payment that requires action', () => {
  it('is processing and then succeeded after its payer confirms it, and only then the recipient sees it', async () => {
    const { payer, recipient, payment } = await waiting();
    const { status, body } = await act(payer, payment, 'confirm');
    expect([status, body.status, body.version]).toEqual([200, 'succeeded', 4]);
    expect(body).not.toHaveProperty('clientSecret');
    expect(await statuses(payer)).toEqual(['processing', 'requires_action', 'processing', 'succeeded']);
    expect(await statuses(recipient)).toEqual(['succeeded']);
    await eventually(() =>
      expect(inOrder(heard, payment.id).map(({ type }) => type)).toEqual([
        'payment.processing',
        'payment.processing',
        'payment.succeeded',
      ]),
    );
  });

  it('fails if the bank declines it after the confirmation', async () => {
    const { payer, recipient, payment } = await waiting(
      'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
    );
    const { status, body } = await act(payer, payment, 'confirm');
    expect([status, body.status, body.failureCode]).toEqual([200, 'failed', 'card_declined']);
    expect(await service.feed(recipient)).toEqual([]);
  });

  it('moves no money if its payer cancels it', async () => {
    const { payer, recipient, payment } = await waiting();
    const { status, body } = await act(payer, payment, 'cancel');
    expect([status, body.status]).toEqual([200, 'canceled']);
    expect(await statuses(payer)).toEqual(['processing', 'requires_action', 'canceled']);
    expect(await service.feed(recipient)).toEqual([]);
    expect(await service.client.ledgerMovement.count({ where: { paymentId: payment.id } })).toBe(0);
  });

  it.each(['confirm', 'cancel'])('is not found by anybody but its payer: %s', async (what) => {
    const { recipient, payment } = await waiting();
    for (const userId of [recipient, uuidv7()]) {
      const { status, body } = await act(userId, payment, what);
      expect([status, body.code]).toEqual([404, 'not-found']);
    }
    expect((await act(uuidv7(), { ...payment, id: uuidv7() }, what)).status).toBe(404);
  });

  it.each(['confirm', 'cancel'])('is in the only status that allows %s', async (what) => {
    const [payer, recipient] = await world.people();
    for (const paymentMethod of ['pm_card_visa', 'pm_card_chargeDeclined']) {
      const { body: payment } = await service.pay(payer, recipient, { paymentMethod });
      const { status, body } = await act(payer, payment as Payment, what);
      expect([status, body.code]).toEqual([409, 'wrong-state']);
    }
    const { payer: other, payment } = await waiting();
    await act(other, payment, 'cancel');
    expect((await act(other, payment, what)).body.code).toBe('wrong-state');
  });

  it('accepts one of many concurrent confirmations and cancelations', async () => {
    const { payer, payment } = await waiting();
    const asked = Array.from({ length: 20 }, (_, n) => act(payer, payment, n % 2 ? 'confirm' : 'cancel'));
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200).map(({ body }) => body.code);
    expect(['wrong-state', 'request-in-progress']).toEqual(expect.arrayContaining([...new Set(refused)]));
    const kinds = await service.client.operation.findMany({ where: { paymentId: payment.id } });
    expect(kinds).toHaveLength(2);
    expect(kinds.every(({ settledAt }) => settledAt !== null)).toBe(true);
  });

  it('cannot be confirmed after its recipient was deleted, only canceled', async () => {
    const { payer, recipient, payment } = await waiting();
    await world.bus.publish(deletedEvent(recipient, 2));
    const { status, body } = await act(payer, payment, 'confirm');
    expect([status, body.code]).toEqual([422, 'recipient-gone']);
    expect((await act(payer, payment, 'cancel')).body.status).toBe('canceled');
    expect(await service.client.ledgerMovement.count({ where: { paymentId: payment.id } })).toBe(0);
  });

  it('can be confirmed a limited number of times, and canceled after that', async () => {
    const { payer, payment } = await waiting();
    await service.client.$executeRaw`
      INSERT INTO operations (id, payment_id, kind, correlation_id, created_at, settled_at)
      SELECT gen_random_uuid(), ${payment.id}::uuid, 'confirm', 'test', now(), now()
      FROM generate_series(1, ${mostConfirmations}::int)`;
    const { status, body } = await act(payer, payment, 'confirm');
    expect([status, body.code]).toEqual([409, 'wrong-state']);
    expect((await act(payer, payment, 'cancel')).body.status).toBe('canceled');
  });

  it('cannot be confirmed by a payer who was deleted', async () => {
    const { payer, payment } = await waiting();
    await world.bus.publish(deletedEvent(payer, 2));
    const { status, body } = await act(payer, payment, 'confirm');
    expect([status, body.code]).toEqual([401, 'session-revoked']);
  });
});

describe('the commands payment.confirm and payment.cancel', () => {
  const sockets: Socket[] = [];
  afterAll(() => {
    for (const socket of sockets) socket.close();
  });

  /** Sends commands over a socket, and collects the statuses that are pushed to it. */
  async function connect(userId: string) {
    const auth = { token: await tokenFor(userId) };
    const url = `${service.service.url}/payment`;
    const socket = io(url, { transports: ['websocket'], forceNew: true, auth });
    sockets.push(socket);
    const pushed: unknown[] = [];
    socket.on('payment.updated', ({ status }: Payment) => pushed.push(status));
    await new Promise((resolve) => socket.once('session.ready', resolve));
    const command = (name: string, input: unknown): Promise<Record<string, unknown>> =>
      socket.timeout(10_000).emitWithAck(name, input);
    return { command, pushed };
  }

  it('do the same as their routes, and answer a repeated commandId with the current payment', async () => {
    const { payer, payment } = await waiting();
    const { command, pushed } = await connect(payer);
    const input = { id: payment.id, commandId: uuidv7() };
    const answer = await command('payment.confirm', input);
    expect(answer).toMatchObject({ ok: true, data: { id: payment.id, status: 'succeeded', version: 4 } });
    expect(await command('payment.confirm', input)).toEqual(answer);
    await eventually(() => expect(pushed).toEqual(['processing', 'succeeded']));
    const late = await command('payment.cancel', { id: payment.id });
    expect(late).toMatchObject({ ok: false, error: { code: 'wrong-state', temporary: false } });
  });

  it('refuse other people and malformed ids', async () => {
    const { recipient, payment } = await waiting();
    const { command } = await connect(recipient);
    for (const name of ['payment.confirm', 'payment.cancel']) {
      expect(await command(name, { id: payment.id })).toMatchObject({
        ok: false,
        error: { code: 'not-found' },
      });
      expect(await command(name, { id: 'nonsense' })).toMatchObject({ error: { code: 'invalid-request' } });
    }
  });
});
