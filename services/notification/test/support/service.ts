import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryEventBus, type MemoryEventBus } from '@warren/event-bus';
import {
  type Counts,
  type Notification,
  noticeRequest,
  notificationContract,
  securityAlert,
} from '@warren/notification-contract';
import type { PaymentState } from '@warren/payment-contract';
import type { SocketCommand } from '@warren/realtime';
import { createService, type RunningService, socketCommands } from '@warren/service-kit';
import { encoded, keys, migrated, tokenFor, userEvent } from '@warren/service-testing';
import { type TestDatabase, testDatabase } from '@warren/testing';
import type { User } from '@warren/user-contract';
import { type Logger, pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { notificationDoors } from '../../src/doors.js';
import { notification } from '../../src/main.js';
import { type DeliveryTiming, defaultTiming } from '../../src/operations/deliver.js';
import { vapidKeys } from '../../src/operations/vapid-keys.js';
import { openProviders, type Providers } from '../../src/providers/open.js';
import type { PrismaClient } from '../../src/store/database.js';

interface Parts {
  bus: MemoryEventBus;
  service: RunningService;
  client: PrismaClient;
  commands: readonly SocketCommand[];
  database: TestDatabase;
  ownsDatabase: boolean;
}

const tables = migrated('notification', new URL('../../prisma/', import.meta.url));

/** Milliseconds within which a database, its migrations and a service start, also on a busy machine. */
export const startTimeout = 120_000;

export interface WorldOptions {
  env?: Record<string, string>;
  /** Replace those that the settings name. */
  providers?: Partial<Providers>;
  timing?: Partial<DeliveryTiming>;
  log?: Logger;
  /** Whether the copy of users was ever complete. No user service sends it in tests. Default: `complete`. */
  copies?: 'complete' | 'missing';
  /** Is called with the context of the service. */
  seeContext?(context: Parameters<typeof notification.doors>[0]): void;
  /** The database of another instance, which closes it. Default: a new one. */
  database?: TestDatabase;
}

/** The mail folder of services without a mail server. */
const mailFolder = await mkdtemp(join(tmpdir(), 'warren-mail-'));

export interface Answer {
  status: number;
  body: { notification: Notification; counts: Counts; items: Notification[] } & Record<string, unknown>;
}

/** The notification service on a database and a bus of its own. */
export class World {
  readonly bus: MemoryEventBus;
  readonly service: RunningService;
  readonly client: PrismaClient;
  readonly commands: readonly SocketCommand[];
  readonly database: TestDatabase;
  readonly #ownsDatabase: boolean;

  private constructor(parts: Parts) {
    this.bus = parts.bus;
    this.service = parts.service;
    this.client = parts.client;
    this.commands = parts.commands;
    this.database = parts.database;
    this.#ownsDatabase = parts.ownsDatabase;
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const database = options.database ?? (await testDatabase(tables));
    const bus = createMemoryEventBus({ retryDelays: [50, 50, 50] });
    let parts: Pick<Parts, 'client' | 'commands'> | undefined;
    const definition: typeof notification = {
      ...notification,
      async doors(context) {
        // Prisma loads its query compiler with the first query, and Jest forbids that between two tests.
        await context.client.$connect();
        options.seeContext?.(context);
        const providers = { ...openProviders(context, await vapidKeys(context)), ...options.providers };
        const timing = { ...defaultTiming, pollMs: 20, ...options.timing };
        const doors = notificationDoors(context, providers, timing);
        parts = { client: context.client, commands: socketCommands(notificationContract, doors.commands) };
        return doors;
      },
    };
    const env = {
      HOST: '127.0.0.1',
      PORT: '0',
      INTERNAL_PORT: '0',
      DATABASE_URL: database.url,
      DRAIN_SECONDS: '0',
      REQUESTS_PER_MINUTE: '100000',
      MAIL_DIR: mailFolder,
      ...options.env,
    };
    const log = options.log ?? pino({ level: process.env.WARREN_TEST_LOG ?? 'silent' });
    const service = await createService(definition, env, { bus, keys, log });
    if (parts === undefined) throw new Error('The service made no doors');
    if (options.copies !== 'missing') await completeCopies(parts.client);
    return new World({ ...parts, bus, service, database, ownsDatabase: options.database === undefined });
  }

  async close(): Promise<void> {
    await this.service.stop();
    await this.bus.close();
    if (this.#ownsDatabase) await this.database.close();
  }

  /** Registers a person, and then verifies their address unless `emailVerified` is false. */
  async register(
    displayName: string,
    { emailVerified = true, ...changes }: Partial<User> = {},
  ): Promise<string> {
    const id = uuidv7();
    await this.bus.publish(userEvent('user.registered', id, 1, { displayName, ...changes }));
    if (emailVerified)
      await this.bus.publish(userEvent('user.updated', id, 2, { displayName, emailVerified, ...changes }));
    return id;
  }

  /** Requests a security alert as the user service does. It leads to a notification and a mail. */
  async alert(userId: string): Promise<void> {
    const data = noticeRequest(securityAlert, userId, {
      what: 'password-changed',
      at: '2026-01-01T00:00:00.000Z',
    });
    const event = encoded({ type: 'notification.requested', subject: userId, version: 1, data });
    const body = JSON.stringify({ ...JSON.parse(event.body), source: '/services/user' });
    await this.bus.publish({ ...event, body });
  }

  async http(userId: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${await tokenFor(userId)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${this.service.url}${path}`, init);
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : {}) as Answer['body'] };
  }

  async inbox(userId: string, state = 'all'): Promise<Notification[]> {
    return (await this.http(userId, 'GET', `/notifications?state=${state}&limit=100`)).body.items;
  }

  async counts(userId: string): Promise<Counts> {
    const { unread, unseen, version } = (await this.http(userId, 'GET', '/notifications/counts')).body;
    return { unread, unseen, version } as Counts;
  }

  async feed(
    userId: string,
  ): Promise<{ type: string; data: { notification: Notification; counts: Counts } }[]> {
    return this.client
      .$queryRaw`SELECT type, data FROM messaging.feed WHERE user_id = ${userId} ORDER BY seq`;
  }
}

/** Marks the copy of users as complete, as the end of a replay does. */
export async function completeCopies(client: PrismaClient): Promise<void> {
  await client.$executeRaw`
    INSERT INTO messaging.copy (source, types, completed_at)
    VALUES ('user', '{user.registered,user.updated,user.deleted,user.snapshot}', now())
    ON CONFLICT (source) DO UPDATE SET completed_at = now()`;
}

export type PaymentEventType =
  | 'payment.succeeded'
  | 'payment.failed'
  | 'payment.requires-action'
  | 'payment.refunded'
  | 'payment.refund-failed';

export function paymentEvent(
  type: PaymentEventType,
  payerId: string,
  recipientId: string,
  changes: Partial<PaymentState> = {},
) {
  const data: PaymentState = {
    id: uuidv7(),
    payerId,
    recipientId,
    amount: 1250,
    currency: 'EUR',
    amountRefunded: 0,
    status: 'succeeded',
    description: null,
    version: 2,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
  return encoded({ type, subject: data.id, version: data.version, data });
}
