import type { DomainEvent, Problem } from '@warren/contracts';
import { checkDomainEvent } from '@warren/contracts/validation';
import { createMemoryEventBus, type EventBus } from '@warren/event-bus';
import { createService, type RunningService } from '@warren/service-kit';
import { type TestDatabase, testDatabase } from '@warren/testing';
import { pino } from 'pino';
import type { Static } from 'typebox';
import type { SignedIn as SignedInSchema } from '../src/http/schemas.js';
import { user } from '../src/main.js';

export type SignedIn = Static<typeof SignedInSchema>;

export interface Answer<T> {
  status: number;
  body: T;
}

/** The user service on a database of its own, and somebody who listens to its events. */
export interface Running {
  service: RunningService;
  database: TestDatabase;
  /** In the order in which they were heard. */
  events: DomainEvent[];
  call<T = Problem>(method: string, path: string, body?: unknown, token?: string): Promise<Answer<T>>;
  register(change?: Record<string, unknown>): Promise<SignedIn>;
  close(): Promise<void>;
}

const log = pino({ level: 'silent' });
let people = 0;

export function startUserService(database: TestDatabase, bus: EventBus): Promise<RunningService> {
  const env = {
    DATABASE_URL: database.url,
    PORT: '0',
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '0',
  };
  return createService(user, env, { bus, log });
}

export async function runUserService(): Promise<Running> {
  const database = await testDatabase();
  const bus = createMemoryEventBus();
  const events: DomainEvent[] = [];
  await bus.subscribe({
    service: 'listener',
    types: ['user.registered', 'user.updated', 'user.deleted'],
    probe: async () => {},
    handle: async (batch) =>
      batch.map(({ body }) => {
        const checked = checkDomainEvent(JSON.parse(body));
        if (!checked.ok) throw new Error(`malformed event: ${JSON.stringify(checked.errors)}`);
        events.push(checked.value);
        return { kind: 'done' as const };
      }),
  });
  const service = await startUserService(database, bus);
  const call: Running['call'] = async (method, path, body, token) => {
    const response = await fetch(service.url + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    service,
    database,
    events,
    call,
    async register(change = {}) {
      const person = {
        email: `person${people++}@example.com`,
        password: 'correct horse',
        displayName: 'Ann',
        ...change,
      };
      const { status, body } = await call<SignedIn>('POST', '/users', person);
      if (status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`);
      return body;
    },
    async close() {
      await service.stop();
      await bus.close();
      await database.close();
    },
  };
}
