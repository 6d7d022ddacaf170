import type { DomainEvent } from '@warren/contracts';
import type { Delivery } from '@warren/event-bus';
import { v7 as uuidv7 } from 'uuid';

export interface NoteEventParts {
  type?: string;
  subject?: string;
  version?: number;
  data?: unknown;
}

export function noteEvent(parts: NoteEventParts = {}): DomainEvent {
  const { type = 'note.written', subject = 'a-note', version = 1, data = { text: 'hello' } } = parts;
  return {
    specversion: '1.0',
    id: uuidv7(),
    source: '/services/note',
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:warren:contract:${type}`,
    entityversion: version,
    correlationid: 'chain-1',
    data,
  };
}

export function deliveryOf(event: DomainEvent, attempt = 1): Delivery {
  return { id: event.id, type: event.type, body: JSON.stringify(event), attempt, redelivered: false };
}
