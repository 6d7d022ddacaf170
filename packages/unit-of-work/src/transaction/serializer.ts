import { type DomainEvent, type FieldError, type ServiceContract, sourceOf } from '@warren/contracts';
import { type Check, checkDomainEvent, compileWriter } from '@warren/contracts/validation';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import type { Cause, NewEvent, NewFeedEntry } from '../api.js';
import type { OutboxRow, PendingEntry } from './effects.js';

/** Turns events and feed entries into rows for the final statement, and checks them against the service's contract. */
export interface Serializer {
  /**
   * Throws `TypeError` if the contract has no such type or `data` doesn't fit it, since that is a programming error.
   * `epoch` is the epoch of the service's entities. With `replayId` the event is a part of that replay.
   */
  event(event: NewEvent, epoch: number, cause: Cause, replayId?: string): OutboxRow;
  /** Throws like `event`. */
  entry(userId: string, entry: NewFeedEntry): PendingEntry;
}

type Checker = (value: unknown) => Check<unknown>;

export function createSerializer(contract: ServiceContract): Serializer {
  const emits = compileAll(contract.emits);
  const feed = compileAll(contract.feed);

  return {
    event(event, epoch, cause, replayId) {
      requireFit(`${contract.service}'s event ${event.type}`, emits.get(event.type), event.data);
      return rowOf({
        ...envelope(contract.service, event, cause, replayId),
        ...(epoch > 0 && { entityepoch: epoch }),
      });
    },

    entry(userId, { type, data, id = uuidv7(), personal }) {
      requireFit(`${contract.service}'s feed entry ${type}`, feed.get(type), data);
      if (userId === '' || !isUuid(id))
        throw new TypeError(`Feed entry ${type} needs a user and a UUID as id`);
      return { userId, type, id, data: JSON.stringify(data), personal };
    },
  };
}

/** The event as a CloudEvent. */
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

/** Throws `TypeError` if the envelope is not valid, since that is a programming error. */
export function rowOf(event: DomainEvent): OutboxRow {
  const checked = checkDomainEvent(event);
  if (!checked.ok) throw misfit(`The envelope of ${event.type}`, checked.errors);
  return { id: event.id, type: event.type, body: JSON.stringify(event) };
}

function compileAll(schemas: ServiceContract['emits']): Map<string, Checker> {
  return new Map(Object.entries(schemas).map(([type, schema]) => [type, compileWriter(schema)]));
}

function requireFit(what: string, check: Checker | undefined, data: unknown): void {
  if (!check) throw new TypeError(`${what} is not in the contract`);
  const result = check(data);
  if (!result.ok) throw misfit(what, result.errors);
}

function misfit(what: string, errors: readonly FieldError[]): TypeError {
  const faults = errors.map(({ pointer, code }) => `${pointer || '/'} (${code})`).join(', ');
  return new TypeError(`${what} does not fit its contract: ${faults}`);
}
