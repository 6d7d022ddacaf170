import type { DomainEvent } from '@warren/contracts';
import { createMemoryEventBus, type MemoryEventBus } from '@warren/event-bus';
import type { Balance, Payment } from '@warren/payment-contract';
import { createService, type RunningService } from '@warren/service-kit';
import { keys, migrated, tokenFor, userEvent } from '@warren/service-testing';
import { type TestDatabase, testDatabase } from '@warren/testing';
import { type Logger, pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { PaymentContext } from '../../src/context.js';
import { paymentDoors } from '../../src/doors.js';
import { payment } from '../../src/main.js';
import { type Durations, defaultDurations } from '../../src/operations/durations.js';
import type { PaymentProvider } from '../../src/providers/provider.js';
import { sandboxProvider } from '../../src/providers/sandbox.js';
import type { PrismaClient } from '../../src/store/database.js';

type Context = PaymentContext;

export interface StartOptions {
  provider?: PaymentProvider;
  durations?: Partial<Durations>;
  log?: Logger;
  /** Environment variables, besides those that every test needs. */
  env?: Record<string, string>;
}

const tables = migrated('payment', new URL('../../prisma/', import.meta.url));

/** Milliseconds until a database is migrated and a service is running, even on a busy machine. */
export const startTimeout = 120_000;

export interface Answer {
  status: number;
  body: Payment & Record<string, unknown>;
}

/**
 * A database on which instances of the payment service start and stop. The first instance uses `bus`; each later one
 * has a bus of its own.
 */
export class World {
  readonly bus: MemoryEventBus = createMemoryEventBus({ retryDelays: [50, 50, 50] });
  readonly #database: TestDatabase;
  readonly #running: RunningService[] = [];

  private constructor(database: TestDatabase) {
    this.#database = database;
  }

  /** @param database used instead of a new one, and closed with the world */
  static async create(database?: TestDatabase): Promise<World> {
    return new World(database ?? (await testDatabase(tables)));
  }

  async start({
    provider = sandboxProvider({ slowMs: 400 }),
    durations = {},
    log = pino({ level: process.env.WARREN_TEST_LOG ?? 'silent' }),
    env: more = {},
  }: StartOptions = {}): Promise<Instance> {
    const isFirst = this.#running.length === 0;
    let inside: Context | undefined;
    const definition: typeof payment = {
      ...payment,
      async doors(context) {
        inside = context;
        // Prisma loads its query compiler with the first query, and Jest allows no imports between two tests.
        await context.client.$connect();
        return paymentDoors(context, provider, { ...defaultDurations, ...durations });
      },
    };
    const env = {
      HOST: '127.0.0.1',
      PORT: '0',
      INTERNAL_PORT: '0',
      DATABASE_URL: this.#database.url,
      DRAIN_SECONDS: '0',
      PAYMENTS_PER_MINUTE: '1000000',
      REQUESTS_PER_MINUTE: '100000',
      MIGRATE: isFirst ? 'on' : 'off',
      ...more,
    };
    const bus = isFirst ? this.bus : createMemoryEventBus();
    const service = await createService(definition, env, { bus, keys, log });
    this.#running.push(service);
    if (inside === undefined) throw new Error('The doors were not created');
    return new Instance(service, inside);
  }

  /** Two people whose copies the service has. */
  async people(): Promise<[string, string]> {
    const [payer, recipient] = [uuidv7(), uuidv7()];
    await Promise.all([payer, recipient].map((id) => this.bus.publish(userEvent('user.registered', id))));
    return [payer, recipient];
  }

  async close(): Promise<void> {
    for (const service of this.#running) await service.stop();
    await this.bus.close();
    await this.#database.close();
  }
}

export class Instance {
  readonly service: RunningService;
  readonly client: PrismaClient;
  readonly uow: Context['uow'];
  readonly log: Context['log'];

  constructor(service: RunningService, { client, uow, log }: Context) {
    this.service = service;
    this.client = client;
    this.uow = uow;
    this.log = log;
  }

  async http(
    userId: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    roles: readonly string[] = [],
  ): Promise<Answer> {
    const response = await fetch(`${this.service.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await tokenFor(userId, roles)}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  pay(payer: string, recipient: string, changes: Record<string, unknown> = {}, key: string = uuidv7()) {
    const body = {
      recipientId: recipient,
      amount: 1250,
      currency: 'EUR',
      paymentMethod: 'pm_card_visa',
      ...changes,
    };
    return this.http(payer, 'POST', '/payments', body, { 'idempotency-key': key });
  }

  refund(
    asker: string,
    paymentId: string,
    body: Record<string, unknown> = {},
    key: string = uuidv7(),
    roles: readonly string[] = [],
  ) {
    return this.http(
      asker,
      'POST',
      `/payments/${paymentId}/refunds`,
      body,
      { 'idempotency-key': key },
      roles,
    );
  }

  /** A person's balance in a currency; undefined without ledger entries. */
  async balance(userId: string, currency = 'EUR'): Promise<number | undefined> {
    const { items } = (await this.http(userId, 'GET', '/balance')).body as unknown as Balance;
    return items.find((item) => item.currency === currency)?.amount;
  }

  /** The entries of a person's feed, oldest first. */
  async feed(userId: string): Promise<{ type: string; data: Payment }[]> {
    return this.client
      .$queryRaw`SELECT type, data FROM messaging.feed WHERE user_id = ${userId} ORDER BY seq`;
  }
}

/** The events about one payment, ordered by version, because they may arrive in any order. */
export function inOrder(heard: readonly DomainEvent[], paymentId: string): DomainEvent[] {
  return heard
    .filter(({ subject }) => subject === paymentId)
    .sort((a, b) => a.entityversion - b.entityversion);
}
