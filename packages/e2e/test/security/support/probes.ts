import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Person } from '../../support/person.js';
import type { ServiceName } from '../../support/system.js';
import { routes } from './access.js';
import type { Scene } from './scene.js';

/** A request that should produce one documented status. */
export interface Probe {
  path?: string;
  body?: unknown;
  key?: string;
  /** The person whose token is sent. Default: no token. */
  as?: Person | undefined;
  /** The body as text. */
  raw?: string;
  contentType?: string;
  /** The request is repeated until the status comes, at most this often. */
  times?: number;
  /** This many requests are sent at once, repeatedly, until one of them gets the status. */
  together?: number;
  /** The client's address as a proxy reports it. */
  from?: string;
}

export interface ProbeContext {
  scene: Scene;
  /** The token of this type that the notification service is asked to mail to this address. */
  mailedToken(type: string, email: string): Promise<string>;
  database(service: ServiceName): string;
}

type Probes = Record<string, Record<number, (context: ProbeContext) => Promise<Probe> | Probe>>;

/** The request of a route's owner, as in the table of access. */
export async function ownersRequest(service: ServiceName, name: string, scene: Scene): Promise<Probe> {
  const access = routes[service][name];
  const { path, body, key } = (await access?.request?.(scene)) ?? {};
  const as = await personFor(name, scene);
  return {
    as,
    ...(path && { path }),
    ...(body !== undefined && { body }),
    ...(key && { key: randomUUID() }),
  };
}

/** A new person for requests that end the account, the password or the session. */
async function personFor(name: string, scene: Scene): Promise<Person> {
  const ends = ['DELETE /sessions/current', 'PUT /users/me/password', 'POST /users/me/deletion'];
  return ends.includes(name) ? scene.newcomer() : scene.owner;
}

const signIn = ({ scene: { owner } }: ProbeContext, password: string) => ({
  body: { email: owner.email, password },
});

const wrongPassword = async ({ scene }: ProbeContext, body: Record<string, string>): Promise<Probe> => ({
  as: await scene.newcomer(),
  body,
});

const payment = ({ scene }: ProbeContext, change: object, key: string = randomUUID()): Probe => ({
  as: scene.owner,
  key,
  body: {
    recipientId: scene.counterpartId,
    amount: 100,
    currency: 'EUR',
    paymentMethod: 'pm_card_visa',
    ...change,
  },
});

const refund = async (context: ProbeContext, body: object): Promise<Probe> => ({
  as: await context.scene.as('admin'),
  key: randomUUID(),
  path: `/payments/${await context.scene.payment()}/refunds`,
  body,
});

const acted =
  (action: string) =>
  async ({ scene }: ProbeContext) => ({
    as: scene.owner,
    path: `/payments/${await scene.payment()}/${action}`,
  });

const strangers =
  (path: (scene: Scene) => Promise<string>) =>
  async ({ scene }: ProbeContext) => ({
    as: await scene.as('stranger'),
    path: await path(scene),
  });

/** A number of requests above the default of PAYMENTS_PER_MINUTE. */
const tooMany = 601;

const someId = () => randomUUID();

async function resetToken({ scene, mailedToken }: ProbeContext): Promise<string> {
  const { email } = await scene.askedForReset();
  return await mailedToken('user.password-reset-requested', email);
}

async function verificationToken({ scene, mailedToken }: ProbeContext): Promise<string> {
  const { email } = await scene.newcomer();
  return await mailedToken('user.email-verification-requested', email);
}

/** The requests for statuses that no general request produces. */
export const probes: Record<ServiceName, Probes> = {
  user: {
    'POST /users': {
      409: ({ scene }) => ({
        body: { email: scene.owner.email, password: 'correct horse', displayName: 'N' },
      }),
    },
    'POST /sessions': { 401: (context) => signIn(context, 'wrong horse') },
    'POST /sessions/refresh': {
      200: async ({ scene }) => ({ body: { refreshToken: (await scene.refreshable()).refreshToken } }),
      401: () => ({ body: { refreshToken: 'none' } }),
      429: async ({ scene }) => ({ body: { refreshToken: await scene.rotatedOften() } }),
    },
    'DELETE /sessions/{id}': { 404: strangers(async (scene) => `/sessions/${await scene.session()}`) },
    'PUT /users/me/password': {
      401: (context) =>
        wrongPassword(context, { currentPassword: 'wrong horse', newPassword: 'another horse' }),
    },
    'POST /users/me/deletion': { 401: (context) => wrongPassword(context, { password: 'wrong horse' }) },
    'POST /users/lookup': {
      404: ({ scene }) => ({ as: scene.owner, body: { email: 'nobody@example.org' } }),
    },
    'PUT /password-resets': {
      202: async (context) => ({
        body: { token: await resetToken(context), newPassword: 'another horse battery' },
      }),
      422: () => ({ body: { token: 'x'.repeat(43), newPassword: 'another horse battery' } }),
    },
    'POST /password-resets/{token}': {
      202: async (context) => {
        const token = await resetToken(context);
        return { path: `/password-resets/${token}`, body: { newPassword: 'another horse battery' } };
      },
      422: () => ({
        path: `/password-resets/${'x'.repeat(43)}`,
        body: { newPassword: 'another horse battery' },
      }),
    },
    'PUT /email-verifications': {
      202: async (context) => ({ body: { token: await verificationToken(context) } }),
      422: () => ({ body: { token: 'x'.repeat(43) } }),
    },
    'POST /email-verifications/{token}': {
      202: async (context) => ({ path: `/email-verifications/${await verificationToken(context)}` }),
      400: () => ({ path: '/email-verifications/%' }),
      422: () => ({ path: `/email-verifications/${'x'.repeat(43)}` }),
    },
  },
  payment: {
    'POST /payments': {
      404: (context) => payment(context, { recipientId: someId() }),
      409: (context) => {
        const same = payment(context, { paymentMethod: 'pm_card_slow' }, randomUUID());
        return { ...same, together: 8 };
      },
      422: (context) => payment(context, { recipientId: context.scene.owner.id }),
      // A new person, because one who has exceeded the limit can make no more payments for later probes.
      429: async ({ scene }) => ({ as: await scene.newcomer(), raw: '{}', times: tooMany }),
    },
    'GET /payments/{id}': { 404: strangers(async (scene) => `/payments/${await scene.payment()}`) },
    'POST /payments/{id}/confirm': {
      404: strangers(async (scene) => `/payments/${await scene.payment()}/confirm`),
      409: acted('confirm'),
      422: async ({ scene }) => ({
        as: scene.owner,
        path: `/payments/${await scene.paymentToNobody()}/confirm`,
      }),
    },
    'POST /payments/{id}/cancel': {
      404: strangers(async (scene) => `/payments/${await scene.payment()}/cancel`),
      409: acted('cancel'),
    },
    'POST /payments/{id}/refunds': {
      201: (context) => refund(context, { amount: 1 }),
      403: async (context) => ({ ...(await refund(context, {})), as: context.scene.owner }),
      404: async (context) => ({ ...(await refund(context, {})), as: await context.scene.as('stranger') }),
      409: async (context) => ({
        ...(await refund(context, {})),
        path: `/payments/${await context.scene.payment('pm_card_chargeDeclined')}/refunds`,
      }),
      422: (context) => refund(context, { amount: 999_999 }),
    },
    'GET /balance': {
      409: async ({ scene, database }) => {
        const as = await scene.newcomer();
        await makeRich(database('payment'), as.id, await scene.payment());
        return { as };
      },
    },
    'GET /payments/{id}/refunds': {
      200: async ({ scene }) => ({
        as: await scene.as('counterpart'),
        path: `/payments/${await scene.payment()}/refunds`,
      }),
      403: async ({ scene }) => ({ as: scene.owner, path: `/payments/${await scene.payment()}/refunds` }),
      404: strangers(async (scene) => `/payments/${await scene.payment()}/refunds`),
    },
  },
  notification: {
    ...Object.fromEntries(
      ['mark-read', 'mark-unread', 'archive', 'unarchive'].map((mark) => [
        `POST /notifications/{id}/${mark}`,
        { 404: strangers(async (scene) => `/notifications/${await scene.notification()}/${mark}`) },
      ]),
    ),
    'PUT /preferences': {
      422: ({ scene }) => ({
        as: scene.owner,
        body: { items: [{ kind: 'security-alert', channels: { email: false } }] },
      }),
    },
    'POST /push-subscriptions': {
      403: async ({ scene }) => {
        const endpoint = scene.endpoint();
        const keys = (letter: string) => ({ p256dh: `B${letter.repeat(86)}`, auth: letter.repeat(22) });
        const subscribe = { endpoint, keys: keys('A') };
        await scene.owner.http('notification', 'POST', '/push-subscriptions', subscribe);
        return { as: await scene.as('stranger'), body: { endpoint, keys: keys('B') } };
      },
    },
    'DELETE /push-subscriptions/{id}': {
      404: strangers(async (scene) => {
        const keys = { p256dh: `B${'A'.repeat(86)}`, auth: 'A'.repeat(22) };
        return `/push-subscriptions/${await scene.subscription(keys)}`;
      }),
    },
  },
};

/** Posts an amount to the person's account that a JSON number can't represent. */
async function makeRich(url: string, personId: string, paymentId: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(
      `WITH movement AS (
        INSERT INTO ledger_movements (id, payment_id, operation_id, kind, created_at)
        VALUES (gen_random_uuid(), $2, gen_random_uuid(), 'payment', now()) RETURNING id
      )
      INSERT INTO ledger_entries (movement_id, position, account, currency, amount)
      SELECT m.id, line.* FROM movement m CROSS JOIN LATERAL (VALUES
        (0, 'clearing:sandbox', 'EUR', -9007199254740993), (1, 'person:' || $1, 'EUR', 9007199254740993)
      ) AS line`,
      [personId, paymentId],
    );
  } finally {
    await client.end();
  }
}
