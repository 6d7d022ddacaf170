import { closed, Id, Time } from '@warren/contracts';
import { notificationContract } from '@warren/notification-contract';
import { perMinute, problems, routes } from '@warren/service-kit';
import { Type } from 'typebox';
import type { NotificationContext } from '../context.js';
import type { PushSubscriptions } from '../operations/push-subscriptions.js';
import { subscribedBrowsers } from '../queries/push-subscriptions.js';
import { mostPerMinute, requestCaller } from './callers.js';
import { ById } from './schemas.js';

type Dependencies = Pick<NotificationContext, 'client'> & {
  subscriptions: PushSubscriptions;
  /** The key that browsers subscribe with. */
  publicKey: string;
};

const Endpoint = Type.String({ minLength: 1, maxLength: 1_000, pattern: '^https?://[\\x21-\\x7e]+$' });

/** What `PushSubscription.toJSON()` returns. The keys are an uncompressed point on P-256 and 16 bytes, in base64url. */
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
            description: 'The origin of the endpoint. Who knows the whole endpoint can send to it.',
          }),
          createdAt: Time,
        },
        closed,
      ),
    ),
  },
  closed,
);

/** The browsers that get pushes (W3C Push API). */
export function pushSubscriptionRoutes({ client, subscriptions, publicKey }: Dependencies) {
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
        const found = await subscribedBrowsers(client, principal.userId);
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
          summary: 'Sends pushes to this browser until its session ends. May be repeated',
          body: NewSubscription,
          response: {
            201: Type.Object({ id: Id }, closed),
            ...problems(notificationContract, 'forbidden'),
          },
        },
      },
      async (request, reply) => {
        const { endpoint, keys } = request.body;
        const { sessionId } = request.principal;
        const id = await subscriptions.subscribe(requestCaller(request), { endpoint, keys, sessionId });
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
        await subscriptions.unsubscribe(requestCaller(request), { endpoint: request.body.endpoint });
        return reply.code(204).send(null);
      },
    );

    http.delete(
      '/push-subscriptions/:id',
      {
        config,
        schema: {
          summary: 'Sends no more pushes to the browser with this subscription',
          params: ById,
          response: { 204: Type.Null(), ...problems(notificationContract, 'not-found') },
        },
      },
      async (request, reply) => {
        await subscriptions.remove(requestCaller(request), request.params.id);
        return reply.code(204).send(null);
      },
    );
  });
}
