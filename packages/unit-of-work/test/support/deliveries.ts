import type { DomainEvent } from '@warren/contracts';
import type { Delivery, EventBus, Verdict } from '@warren/event-bus';
import { envelope } from '../../src/transaction/serializer.js';
import type { ScriptedBus } from './scripted-bus.js';

export interface NoteEventParts {
  type?: string;
  subject?: string;
  version?: number;
  data?: unknown;
}

export function noteEvent(parts: NoteEventParts = {}): DomainEvent {
  const { type = 'note.written', subject = 'a-note', version = 1, data = { text: 'hello' } } = parts;
  return envelope('note', { type, subject, version, data }, { correlationId: 'chain-1' });
}

export function deliveryOf(event: DomainEvent, attempt = 1): Delivery {
  return { id: event.id, type: event.type, body: JSON.stringify(event), attempt, redelivered: false };
}

/** Publishes them; whatever becomes of that is told by their effects. */
export function publishTo(bus: EventBus, events: readonly DomainEvent[]): void {
  for (const event of events) {
    const { id, type } = event;
    bus.publish({ id, type, body: JSON.stringify(event) }).catch(() => undefined);
  }
}

/** Hands them to the subscription, and those that are busy again in patient calls, as a bus does. */
export async function deliver(bus: ScriptedBus, deliveries: readonly Delivery[]): Promise<Verdict[]> {
  if (!bus.subscription) throw new Error('not subscribed');
  const verdicts = [...(await bus.subscription.handle(deliveries))];
  for (;;) {
    const busy = [...verdicts.keys()].filter((index) => verdicts[index]?.kind === 'busy');
    if (busy.length === 0) return verdicts;
    const again = busy.flatMap((index) => deliveries[index] ?? []);
    const decided = await bus.subscription.handle(again, { patient: true });
    for (const [place, index] of busy.entries()) verdicts[index] = decided[place] ?? never();
  }
}

function never(): never {
  throw new Error('a verdict is missing');
}
