import type { DomainEvent } from '@warren/contracts';
import type { Delivery } from '@warren/event-bus';
import { envelope } from '../../src/transaction/language.js';

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
