import { randomUUID } from 'node:crypto';
import type { ServiceName } from '../../support/system.js';
import type { Role, Scene } from './scene.js';

/** A status, or the code of a refusal. */
export type Outcome = number | string;

export interface Request {
  path?: string;
  body?: unknown;
  /** Whether to send an `Idempotency-Key`. */
  key?: boolean;
}

export interface Access {
  request?(scene: Scene): Request | Promise<Request>;
  /** A new person acts in place of each role, because the request ends their account or password. */
  newcomers?: boolean;
  outcomes: Record<Role, Outcome>;
}

/** The same for all roles. */
const open = (outcome: Outcome): Record<Role, Outcome> => ({
  nobody: outcome,
  owner: outcome,
  counterpart: outcome,
  stranger: outcome,
  revoked: outcome,
  admin: outcome,
});

/** Everybody who is signed in may do this with their own data. */
const signedIn = (outcome: Outcome): Record<Role, Outcome> => ({
  ...open(outcome),
  nobody: 'unauthenticated',
  revoked: 'session-revoked',
});

/** Only the owner may do this. For others the thing doesn't exist. */
const owners = (outcome: Outcome, others: Partial<Record<Role, Outcome>> = {}): Record<Role, Outcome> => ({
  ...signedIn('not-found'),
  owner: outcome,
  ...others,
});

const key = { p256dh: `B${'A'.repeat(86)}`, auth: 'A'.repeat(22) };
const marks = ['mark-read', 'mark-unread', 'archive', 'unarchive'].map((mark): [string, Access] => [
  `POST /notifications/{id}/${mark}`,
  {
    request: async (scene) => ({ path: `/notifications/${await scene.notification()}/${mark}` }),
    outcomes: owners(200),
  },
]);

/** Every route of every service, as its OpenAPI document names it. */
export const routes: Record<ServiceName, Record<string, Access>> = {
  user: {
    'GET /.well-known/jwks.json': { outcomes: open(200) },
    'POST /users': {
      request: () => ({
        body: { email: `${randomUUID()}@example.org`, password: 'correct horse battery', displayName: 'N' },
      }),
      outcomes: open(201),
    },
    'POST /sessions': {
      request: ({ owner: { email, password } }) => ({ body: { email, password } }),
      outcomes: open(201),
    },
    'POST /sessions/refresh': {
      // Well-formed, so that the service looks it up.
      request: () => ({ body: { refreshToken: `${randomUUID()}.1.${'A'.repeat(43)}` } }),
      outcomes: open('unauthenticated'),
    },
    'GET /sessions': { outcomes: signedIn(200) },
    'DELETE /sessions/current': { outcomes: signedIn(204) },
    'DELETE /sessions/{id}': {
      request: async (scene) => ({ path: `/sessions/${await scene.session()}` }),
      outcomes: owners(204),
    },
    'GET /users/me': { outcomes: signedIn(200) },
    'PATCH /users/me': { request: () => ({ body: { displayName: 'N' } }), outcomes: signedIn(200) },
    'PUT /users/me/password': {
      request: ({ owner }) => ({
        body: { currentPassword: owner.password, newPassword: 'another horse battery' },
      }),
      newcomers: true,
      outcomes: signedIn(204),
    },
    'POST /users/me/deletion': {
      request: ({ owner }) => ({ body: { password: owner.password } }),
      newcomers: true,
      outcomes: signedIn(204),
    },
    'POST /users/lookup': {
      request: ({ ownerEmail: email }) => ({ body: { email } }),
      outcomes: signedIn(200),
    },
    'POST /password-resets': {
      request: () => ({ body: { email: 'nobody@example.org' } }),
      outcomes: open(202),
    },
    'PUT /password-resets': {
      request: () => ({ body: { token: 'x'.repeat(43), newPassword: 'another horse battery' } }),
      outcomes: open('invalid-token'),
    },
    'POST /password-resets/{token}': {
      request: () => ({
        path: `/password-resets/${'x'.repeat(43)}`,
        body: { newPassword: 'another horse battery' },
      }),
      outcomes: open('invalid-token'),
    },
    'POST /email-verifications': { outcomes: signedIn(202) },
    'PUT /email-verifications': {
      request: () => ({ body: { token: 'x'.repeat(43) } }),
      outcomes: open('invalid-token'),
    },
    'POST /email-verifications/{token}': {
      request: () => ({ path: `/email-verifications/${'x'.repeat(43)}` }),
      outcomes: open('invalid-token'),
    },
  },
  payment: {
    'POST /payments': {
      request: ({ counterpartId: recipientId }) => ({
        body: { recipientId, amount: 100, currency: 'EUR', paymentMethod: 'pm_card_visa' },
        key: true,
      }),
      outcomes: { ...signedIn(201), counterpart: 'self-payment' },
    },
    'GET /payments': { outcomes: signedIn(200) },
    'GET /payments/{id}': {
      request: async (scene) => ({ path: `/payments/${await scene.payment()}` }),
      outcomes: owners(200, { counterpart: 200 }),
    },
    'POST /payments/{id}/confirm': {
      request: async (scene) => ({
        path: `/payments/${await scene.payment('pm_card_authenticationRequired')}/confirm`,
      }),
      outcomes: owners(200),
    },
    'POST /payments/{id}/cancel': {
      request: async (scene) => ({
        path: `/payments/${await scene.payment('pm_card_authenticationRequired')}/cancel`,
      }),
      outcomes: owners(200),
    },
    'POST /payments/{id}/refunds': {
      request: async (scene) => ({
        path: `/payments/${await scene.payment()}/refunds`,
        body: { amount: 1 },
        key: true,
      }),
      outcomes: owners('forbidden', { counterpart: 201, admin: 201 }),
    },
    'GET /payments/{id}/refunds': {
      request: async (scene) => ({ path: `/payments/${await scene.payment()}/refunds` }),
      outcomes: owners('forbidden', { counterpart: 200, admin: 200 }),
    },
    'GET /balance': { outcomes: signedIn(200) },
  },
  notification: {
    'GET /notifications': { outcomes: signedIn(200) },
    'GET /notifications/counts': { outcomes: signedIn(200) },
    ...Object.fromEntries(marks),
    'POST /notifications/mark-all-read': { outcomes: signedIn(200) },
    'POST /notifications/mark-all-seen': { outcomes: signedIn(200) },
    'GET /preferences': { outcomes: signedIn(200) },
    'PUT /preferences': { request: () => ({ body: { items: [] } }), outcomes: signedIn(200) },
    'GET /push-subscriptions/key': { outcomes: signedIn(200) },
    'GET /push-subscriptions': { outcomes: signedIn(200) },
    'POST /push-subscriptions': {
      request: (scene) => ({ body: { endpoint: scene.endpoint(), keys: key } }),
      outcomes: signedIn(201),
    },
    'DELETE /push-subscriptions': {
      request: (scene) => ({ body: { endpoint: scene.endpoint() } }),
      outcomes: signedIn(204),
    },
    'DELETE /push-subscriptions/{id}': {
      request: async (scene) => ({ path: `/push-subscriptions/${await scene.subscription(key)}` }),
      outcomes: owners(204),
    },
  },
};

/** Routes of the internal listener. */
export const internalRoutes: Record<ServiceName, Record<string, Access>> = {
  user: {
    'GET /metrics': { outcomes: open(200) },
    'GET /internal/revocations': { outcomes: open(200) },
    'PUT /admin/users/{id}/roles': {
      request: async (scene) => ({
        path: `/admin/users/${(await scene.newcomer()).id}/roles`,
        body: { roles: [] },
      }),
      outcomes: { ...signedIn('forbidden'), admin: 200 },
    },
  },
  payment: { 'GET /metrics': { outcomes: open(200) } },
  notification: { 'GET /metrics': { outcomes: open(200) } },
};

export interface CommandAccess {
  input?(scene: Scene): unknown | Promise<unknown>;
  /** `ok`, or the code with which the command or the handshake is refused. */
  outcomes: Record<Role, string>;
}

const commandFor = (outcomes: Record<Role, Outcome>, input?: CommandAccess['input']): CommandAccess => ({
  outcomes: outcomes as Record<Role, string>,
  ...(input && { input }),
});

const ofNotification = async (scene: Scene) => ({ id: await scene.notification() });
const toConfirm = async (scene: Scene) => ({ id: await scene.payment('pm_card_authenticationRequired') });

/** Every command of every service, as its contract names it, and the commands of the protocol. */
export const commands: Record<ServiceName, Record<string, CommandAccess>> = {
  user: {
    'presence.watch': commandFor(signedIn('ok'), ({ counterpartId }) => ({ userIds: [counterpartId] })),
    'presence.unwatch': commandFor(signedIn('ok'), ({ counterpartId }) => ({ userIds: [counterpartId] })),
    'feed.pull': commandFor(signedIn('ok')),
    'session.refresh': commandFor(signedIn('forbidden'), async (scene) => ({
      token: (await scene.newcomer()).token,
    })),
  },
  payment: {
    'payment.confirm': commandFor(owners('ok'), toConfirm),
    'payment.cancel': commandFor(owners('ok'), toConfirm),
    'feed.pull': commandFor(signedIn('ok')),
  },
  notification: {
    'notification.mark-read': commandFor(owners('ok'), ofNotification),
    'notification.mark-unread': commandFor(owners('ok'), ofNotification),
    'notification.archive': commandFor(owners('ok'), ofNotification),
    'notification.unarchive': commandFor(owners('ok'), ofNotification),
    'notification.mark-all-read': commandFor(signedIn('ok')),
    'notification.mark-all-seen': commandFor(signedIn('ok')),
    'feed.pull': commandFor(signedIn('ok')),
  },
};
