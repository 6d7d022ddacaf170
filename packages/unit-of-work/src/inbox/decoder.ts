import {
  type DomainEvent,
  PermanentError,
  replayMessageOf,
  type ServiceContract,
  serviceOfSource,
  takesFrom,
} from '@warren/contracts';
import { type Check, checkDomainEvent, compileReader } from '@warren/contracts/validation';
import { type DeadLetterReason, type Delivery, defaultRetryDelays, type Verdict } from '@warren/event-bus';
import type { EventHandler } from '../api.js';

export type Decoded = { ok: true; event: DomainEvent } | { ok: false; verdict: Verdict };

/** Turns a delivery into an event that fits its contract, or into the verdict on the delivery. */
export type Decoder = (delivery: Delivery) => Decoded;

/** `handlers` have the schemas of the data. `contract` is the contract of the consuming service. */
export function createDecoder(
  handlers: Iterable<Pick<EventHandler, 'type' | 'schema'>>,
  contract: ServiceContract,
): Decoder {
  const readers = new Map<string, (data: unknown) => Check<unknown>>();
  for (const { type, schema } of handlers) {
    if (!readers.has(type)) readers.set(type, compileReader(schema));
  }

  return (delivery) => {
    const body = parse(delivery.body);
    if (!body.ok) return dead('malformed', 'The body is not JSON');
    const envelope = checkDomainEvent(body.value);
    if (!envelope.ok) return dead('schema', `The envelope does not fit: ${JSON.stringify(envelope.errors)}`);
    const { type, source, replayid } = envelope.value;
    // The broker's permissions go by the routing key only, so the type and the source in the body are checked here.
    if (type !== delivery.type || !takesFrom(contract, serviceOfSource({ source }), type))
      return dead('schema', `It was sent as ${delivery.type} but says ${type} of ${source}`);
    // Any service may publish a type that this one accepts, but only in its own name.
    if (delivery.publisher !== undefined && delivery.publisher !== serviceOfSource({ source }))
      return dead(
        'unauthorized-publisher',
        `${delivery.publisher} published ${type} in the name of ${source}`,
      );
    const read = readers.get(replayMessageOf(type) ?? type);
    if (!read) return unhandled(type, delivery.attempt, replayid !== undefined);
    const data = read(envelope.value.data);
    if (!data.ok) return dead('schema', `The data does not fit: ${JSON.stringify(data.errors)}`);
    return { ok: true, event: envelope.value };
  };
}

function parse(body: string): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(body) };
  } catch {
    return { ok: false };
  }
}

/**
 * The verdict on a type without a handler. A newer instance of the same rollout may have one, so the event is retried
 * before it becomes a dead letter. A replay may contain types that the service never handled; those are skipped.
 */
function unhandled(type: string, attempt: number, isReplayed: boolean): Decoded {
  const error = new Error(`No handler for ${type} in this build`);
  if (attempt <= defaultRetryDelays.length) return { ok: false, verdict: { kind: 'retry', error } };
  if (isReplayed) return { ok: false, verdict: { kind: 'done' } };
  return { ok: false, verdict: { kind: 'dead', reason: 'unhandled-type', error } };
}

function dead(reason: DeadLetterReason, message: string): Decoded {
  return { ok: false, verdict: { kind: 'dead', reason, error: new PermanentError(message) } };
}
