/**
 * A domain event on the wire: CloudEvents 1.0 in structured JSON.
 *
 * `data` is the whole entity as it now is, so that copies need no ordering: a copy takes an event only if
 * its `entityepoch` and then its `entityversion` are higher than what it holds.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  specversion: '1.0';
  /** UUIDv7. */
  id: string;
  /** `/services/<service>` */
  source: string;
  /** `<service>.<fact in the past tense>`; also the routing key. */
  type: Type;
  /** The entity's id. */
  subject: string;
  /** RFC 3339, UTC. */
  time: string;
  datacontenttype: 'application/json';
  /** The URI of the contract that `data` fits. */
  dataschema: string;
  /** Grows by one with each change of the entity. */
  entityversion: number;
  /**
   * Absent: 0. One more each time the producer's database was restored from an older state. A version of a higher epoch
   * is newer than every version of a lower one.
   */
  entityepoch?: number;
  /** The first cause in a chain of events; the same on all of them. */
  correlationid: string;
  /** The event that this one answers; absent on the first of a chain. */
  causationid?: string;
  /** W3C trace context. */
  traceparent?: string;
  /** Present on replays only. */
  replayid?: string;
  data: Data;
}

const sourcePrefix = '/services/';

export const eventContentType = 'application/cloudevents+json';

/** What a copy compares: first the epoch, then the version. */
export function versionOf({ entityepoch = 0, entityversion }: DomainEvent): {
  epoch: number;
  version: number;
} {
  return { epoch: entityepoch, version: entityversion };
}

/** The `source` of the events that this service publishes. */
export const sourceOf = (service: string): string => `${sourcePrefix}${service}`;

/** The service that an envelope names as its source, or the empty string if it names none. */
export function serviceOfSource({ source }: Pick<DomainEvent, 'source'>): string {
  return source.startsWith(sourcePrefix) ? source.slice(sourcePrefix.length) : '';
}
