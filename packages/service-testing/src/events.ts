import { type DomainEvent, serviceOf, sourceOf } from '@warren/contracts';
import type { EncodedEvent, EventBus } from '@warren/event-bus';
import type { User } from '@warren/user-contract';
import { v7 as uuidv7 } from 'uuid';

export interface TestEvent {
  type: string;
  subject: string;
  version: number;
  data: unknown;
  id?: string;
}

/** The event in the form in which a service publishes it. */
export function encoded({ type, subject, version, data, id = uuidv7() }: TestEvent): EncodedEvent {
  const event: DomainEvent = {
    specversion: '1.0',
    id,
    source: sourceOf(serviceOf(type)),
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:warren:contract:${type}`,
    entityversion: version,
    correlationid: 'test',
    data,
  };
  return { id, type, body: JSON.stringify(event) };
}

export function userEvent(
  type: 'user.registered' | 'user.updated',
  id: string,
  version = 1,
  changes: Partial<User> = {},
): EncodedEvent {
  const data: User = {
    id,
    email: 'somebody@example.org',
    emailVerified: false,
    displayName: 'Somebody',
    locale: 'en',
    timeZone: 'UTC',
    version,
    createdAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
  return encoded({ type, subject: id, version, data });
}

export function deletedEvent(id: string, version: number): EncodedEvent {
  return encoded({ type: 'user.deleted', subject: id, version, data: { id, version } });
}

/** Collects the events of these types that the service under test publishes, as another service receives them. */
export async function listenTo(bus: EventBus, types: readonly string[]): Promise<DomainEvent[]> {
  const received: DomainEvent[] = [];
  await bus.subscribe({
    service: 'listener',
    types,
    probe: async () => undefined,
    async handle(batch) {
      received.push(...batch.map((delivery) => JSON.parse(delivery.body) as DomainEvent));
      return batch.map(() => ({ kind: 'done' }));
    },
  });
  return received;
}
