import {
  type DomainEvent,
  PermanentError,
  replayMessageOf,
  type ServiceContract,
  takesFrom,
} from '@warren/contracts';
import { type Check, checkDomainEvent, compileReader } from '@warren/contracts/validation';
import { type DeadLetterReason, type Delivery, defaultRetryDelays, type Verdict } from '@warren/event-bus';
import type { EventHandler } from '../api.js';
import { serviceOfSource } from '../transaction/language.js';

export type Decoded = { ok: true; event: DomainEvent } | { ok: false; verdict: Verdict };

/** Turns a delivery into an event that fits its contract, or says what shall become of it. */
export type Decoder = (delivery: Delivery) => Decoded;

/** `handlers` say what the data of their types must fit; `contract` is that of the service that consumes. */
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
    // The broker looks at the routing key only: it lets a service send what its contract emits.
    if (type !== delivery.type || !takesFrom(contract, serviceOfSource(source), type))
      return dead('schema', `It was sent as ${delivery.type} but says ${type} of ${source}`);
    // Any service may publish a type that this one accepts, but only in its own name.
    if (delivery.publisher !== undefined && delivery.publisher !== serviceOfSource(source))
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
 * A newer instance of the same rollout may know the type: it gets all the retries before it is dead. A replay of
 * everything holds what no build ever asked for.
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
