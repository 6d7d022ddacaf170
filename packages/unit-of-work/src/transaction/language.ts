import type { DomainEvent, FieldError, ServiceContract } from '@warren/contracts';
import { type Check, checkDomainEvent, compileWriter } from '@warren/contracts/validation';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import type { Cause, NewEvent, NewFeedEntry } from '../api.js';
import type { OutboxRow, PendingEntry } from './effects.js';

/** Turns what handlers publish and feed into rows, and holds it to the service's contract. */
export interface Language {
  /**
   * Throws if the contract has no such type or `data` doesn't fit it: a programming error. `epoch` is that of the
   * service's entities. `replayId`: the event is part of that replay.
   */
  event(event: NewEvent, epoch: number, cause: Cause, replayId?: string): OutboxRow;
  /** Throws like `event`. */
  entry(userId: string, entry: NewFeedEntry): PendingEntry;
}

type Checker = (value: unknown) => Check<unknown>;

export function createLanguage(contract: ServiceContract): Language {
  const emits = compileAll(contract.emits);
  const feed = compileAll(contract.feed);

  return {
    event(event, epoch, cause, replayId) {
      demandFit(`${contract.service}'s event ${event.type}`, emits.get(event.type), event.data);
      return rowOf({
        ...envelope(contract.service, event, cause, replayId),
        ...(epoch > 0 && { entityepoch: epoch }),
      });
    },

    entry(userId, { type, data, id = uuidv7(), personal }) {
      demandFit(`${contract.service}'s feed entry ${type}`, feed.get(type), data);
      if (userId === '' || !isUuid(id))
        throw new TypeError(`Feed entry ${type} needs a user and a UUID as id`);
      return { userId, type, id, data: JSON.stringify(data), personal };
    },
  };
}

/** The event as it travels. */
export function envelope(service: string, event: NewEvent, cause: Cause, replayId?: string): DomainEvent {
  const { type, subject, version, data } = event;
  const { correlationId, causationId, traceparent } = cause;
  return {
    specversion: '1.0',
    id: uuidv7(),
    source: sourceOf(service),
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:warren:contract:${type}`,
    entityversion: version,
    correlationid: correlationId,
    ...(causationId !== undefined && { causationid: causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(replayId !== undefined && { replayid: replayId }),
    data,
  };
}

/** Throws if the envelope doesn't fit: a programming error. */
export function rowOf(event: DomainEvent): OutboxRow {
  const checked = checkDomainEvent(event);
  if (!checked.ok) throw misfit(`The envelope of ${event.type}`, checked.errors);
  return { id: event.id, type: event.type, body: JSON.stringify(event) };
}

const sourcePrefix = '/services/';

const sourceOf = (service: string): string => `${sourcePrefix}${service}`;

/** The service that an envelope names as its source; empty for what names none. */
export const serviceOfSource = (source: string): string =>
  source.startsWith(sourcePrefix) ? source.slice(sourcePrefix.length) : '';

function compileAll(schemas: ServiceContract['emits']): Map<string, Checker> {
  return new Map(Object.entries(schemas).map(([type, schema]) => [type, compileWriter(schema)]));
}

function demandFit(what: string, check: Checker | undefined, data: unknown): void {
  if (!check) throw new TypeError(`${what} is not in the contract`);
  const result = check(data);
  if (!result.ok) throw misfit(what, result.errors);
}

function misfit(what: string, errors: readonly FieldError[]): TypeError {
  const faults = errors.map(({ pointer, code }) => `${pointer || '/'} (${code})`).join(', ');
  return new TypeError(`${what} does not fit its contract: ${faults}`);
}
