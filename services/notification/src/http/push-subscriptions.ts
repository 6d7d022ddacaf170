import { AppError, closed, Id, Time } from '@warren/contracts';
import { notificationContract } from '@warren/notification-contract';
import { perMinute, problems, routes } from '@warren/service-kit';
import { Type } from 'typebox';
import type { NotificationUow } from '../context.js';
import { subscribe } from '../operations/push-subscriptions.js';
import type { PrismaClient } from '../store/database.js';
import { dropSubscription, subscriptionsOf } from '../store/push-subscriptions.js';
import { callerOf } from './caller.js';
import { mostPerMinute } from './limits.js';
import { ById } from './schemas.js';

export interface PushDoor {
  publicKey: string;
  /** What is wrong with an endpoint, before any name is looked up; `undefined` where nothing is. */
  refusal(endpoint: string): string | undefined;
}

const Endpoint = Type.String({ minLength: 1, maxLength: 1_000, pattern: '^https?://[\\x21-\\x7e]+$' });

/** As `PushSubscription.toJSON()` gives it: an uncompressed point on P-256 and 16 bytes, in base64url. */
const NewSubscription = Type.Object(
  {
    endpoint: Endpoint,
    expirationTime: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
    keys: Type.Object(
      {
        p256dh: Type.String({ pattern: '^B[A-Za-z0-9_-]{86}$' }),
        auth: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
      },
      closed,
    ),
  },
  closed,
);

const Subscriptions = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          id: Id,
          origin: Type.String({
            description: 'Of the endpoint, whose whole address lets others send to it.',
          }),
          createdAt: Time,
        },
        closed,
      ),
    ),
  },
  closed,
);

/** Which browsers get pushes (W3C Push API). */
export function pushSubscriptionRoutes(
  uow: NotificationUow,
  client: PrismaClient,
  { publicKey, refusal }: PushDoor,
) {
  const config = { rateLimit: perMinute(mostPerMinute.settings) };
  return routes((http) => {
    http.get(
      '/push-subscriptions/key',
      {
        schema: {
          summary: 'The application server key, for `PushManager.subscribe`',
          response: { 200: Type.Object({ publicKey: Type.String() }, closed) },
        },
      },
      async () => ({ publicKey }),
    );

    http.get(
      '/push-subscriptions',
      { schema: { summary: 'The browsers that get pushes, newest first', response: { 200: Subscriptions } } },
      async ({ principal }) => {
        const found = await subscriptionsOf(client, principal.userId);
        const items = found.map(({ id, endpoint, createdAt }) => ({
          id,
          origin: new URL(endpoint).origin,
          createdAt: createdAt.toISOString(),
        }));
        return { items };
      },
    );

    http.post(
      '/push-subscriptions',
      {
        config,
        schema: {
          summary: 'Sends pushes to this browser until its session ends, also when repeated',
          body: NewSubscription,
          response: {
            201: Type.Object({ id: Id }, closed),
            ...problems(notificationContract, 'forbidden'),
          },
        },
      },
      async (request, reply) => {
        const { endpoint, keys } = request.body;
        const code = refusal(endpoint);
        if (code !== undefined)
          throw new AppError('invalid-request', { errors: [{ pointer: '/endpoint', code }] });
        const { sessionId } = request.principal;
        const id = await subscribe(uow, callerOf(request), { endpoint, keys, sessionId });
        return reply.code(201).send({ id });
      },
    );

    http.delete(
      '/push-subscriptions',
      {
        config,
        schema: {
          summary: 'Sends no more pushes to this browser',
          body: Type.Object({ endpoint: Endpoint }, closed),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { userId, cause } = callerOf(request);
        const { endpoint } = request.body;
        await uow.run((tx) => dropSubscription(tx, userId, { endpoint }), { users: [userId], cause });
        return reply.code(204).send(null);
      },
    );

    http.delete(
      '/push-subscriptions/:id',
      {
        config,
        schema: {
          summary: 'Sends no more pushes to a browser, wherever it is',
          params: ById,
          response: { 204: Type.Null(), ...problems(notificationContract, 'not-found') },
        },
      },
      async (request, reply) => {
        const { userId, cause } = callerOf(request);
        const { id } = request.params;
        const isDropped = await uow.run((tx) => dropSubscription(tx, userId, { id }), {
          users: [userId],
          cause,
        });
        if (!isDropped) throw new AppError('not-found');
        return reply.code(204).send(null);
      },
    );
  });
}
