import type { DomainEvent, Problem } from '@warren/contracts';
import { checkDomainEvent } from '@warren/contracts/validation';
import { createMemoryEventBus, type EventBus } from '@warren/event-bus';
import { createService, defineService, type RunningService } from '@warren/service-kit';
import { migrated } from '@warren/service-testing';
import { type TestDatabase, testDatabase } from '@warren/testing';
import { userContract } from '@warren/user-contract';
import { pino } from 'pino';
import type { Static } from 'typebox';
import { userDoors } from '../../src/doors.js';
import type { SignedIn as SignedInSchema } from '../../src/http/schemas.js';
import { user } from '../../src/main.js';
import { defaultTiming } from '../../src/timing.js';

export type SignedIn = Static<typeof SignedInSchema>;

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

/** A clock that a test can advance. */
export class TestClock {
  #ahead = 0;
  readonly now = () => new Date(Date.now() + this.#ahead);

  advance(ms: number): void {
    this.#ahead += ms;
  }
}

export type Call = <T = Problem>(
  method: string,
  path: string,
  body?: unknown,
  token?: string,
  headers?: Record<string, string>,
) => Promise<Answer<T>>;

/** The user service on a database of its own, with a subscriber to its events. */
export interface Running {
  service: RunningService;
  database: TestDatabase;
  bus: EventBus;
  clock: TestClock;
  /** The events received so far, in order. */
  events: DomainEvent[];
  /** The received events of this type about this user or session. */
  heard(type: string, about: string): DomainEvent[];
  call: Call;
  register(change?: Record<string, unknown>): Promise<SignedIn>;
  signIn(email: string, password?: string): Promise<SignedIn>;
  close(): Promise<void>;
}

const tables = migrated('user', new URL('../../prisma/', import.meta.url));
const log = pino({ level: 'silent' });
let people = 0;

export const password = 'correct horse';

export interface StartOptions {
  clock?: TestClock;
  env?: Record<string, string>;
  /** Milliseconds between the runs of the jobs. Default: as in production. */
  every?: number;
  /** Also mounts the routes of the internal listener on the public one. */
  internal?: boolean;
}

export function startUserService(
  database: TestDatabase,
  bus: EventBus,
  { clock = new TestClock(), env = {}, every, internal = false }: StartOptions = {},
): Promise<RunningService> {
  const { now } = clock;
  const timing = every === undefined ? defaultTiming : { keepKeysEveryMs: every, pruneEveryMs: every };
  const service = defineService({
    ...user,
    doors: async (context) => {
      const doors = await userDoors(context, timing, now);
      return internal ? { ...doors, http: [...doors.http, ...(doors.internal ?? [])] } : doors;
    },
  });
  const fixed = {
    DATABASE_URL: database.url,
    PORT: '0',
    INTERNAL_PORT: '0',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '0',
    REQUESTS_PER_MINUTE: '100000',
  };
  return createService(service, { ...fixed, ...env }, { bus, log });
}

/** A function that sends requests to the instance at this URL. */
export function callOf(url: string): Call {
  return async (method, path, body, token, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status } = response;
    return { status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
}

export async function runUserService(options: StartOptions = {}): Promise<Running> {
  const { clock = new TestClock() } = options;
  const database = await testDatabase(tables);
  const bus = createMemoryEventBus();
  const events: DomainEvent[] = [];
  await bus.subscribe({
    service: 'listener',
    types: Object.keys(userContract.emits),
    probe: async () => {},
    handle: async (batch) =>
      batch.map(({ body }) => {
        const checked = checkDomainEvent(JSON.parse(body));
        if (!checked.ok) throw new Error(`malformed event: ${JSON.stringify(checked.errors)}`);
        events.push(checked.value);
        return { kind: 'done' as const };
      }),
  });
  const service = await startUserService(database, bus, { ...options, clock });
  const call = callOf(service.url);
  return {
    service,
    database,
    bus,
    clock,
    events,
    call,
    heard: (type, about) =>
      events.filter(
        (event) =>
          event.type === type &&
          (event.subject === about || (event.data as { userId?: string }).userId === about),
      ),
    async register(change = {}) {
      const person = { email: `person${people++}@example.com`, password, displayName: 'Ann', ...change };
      const { status, body } = await call<SignedIn>('POST', '/users', person);
      if (status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`);
      return body;
    },
    async signIn(email, secret = password) {
      const { status, body } = await call<SignedIn>('POST', '/sessions', { email, password: secret });
      if (status !== 201) throw new Error(`not signed in: ${JSON.stringify(body)}`);
      return body;
    },
    async close() {
      await service.stop();
      await bus.close();
      await database.close();
    },
  };
}
