import { type DomainEvent, type ServiceContract, serviceOf } from '@warren/contracts';
import type { Static, TSchema } from 'typebox';
import type { EventHandler } from './api.js';

/** How one type of event is handled; see `EventHandler`. */
export interface Handling<Transaction, Type extends string, Data> {
  users?: (event: DomainEvent<Type, Data>) => readonly string[];
  handle: (tx: Transaction, event: DomainEvent<Type, Data>) => Promise<void>;
}

type Accepted<C extends ServiceContract> = C extends { accepts: infer A extends Record<string, TSchema> }
  ? A
  : Record<never, TSchema>;

/** The types of event that handlers can be made for by this contract: those that it emits and those that it accepts. */
export type HandledType<C extends ServiceContract> =
  | (keyof C['emits'] & string)
  | (keyof Accepted<C> & string);

type SchemaOf<C extends ServiceContract, Type> = Type extends keyof Accepted<C>
  ? Accepted<C>[Type]
  : Type extends keyof C['emits']
    ? C['emits'][Type]
    : never;

/** The data of an event of this type. */
export type DataOf<C extends ServiceContract, Type extends HandledType<C>> =
  SchemaOf<C, Type> extends infer Schema extends TSchema ? Static<Schema> : never;

/**
 * A handler that keeps a copy of what another service owns. `contract` is that of the service that emits the event.
 *
 *     project(userContract, 'user.updated', {
 *       users: ({ data }) => [data.id],
 *       handle: async (tx: PaymentTx, { data }) => keepUserCopy(tx, data),
 *     });
 */
export function project<C extends ServiceContract, Type extends HandledType<C>, Transaction>(
  contract: C,
  type: Type,
  handling: Handling<Transaction, Type, DataOf<C, Type>>,
): EventHandler<Transaction> {
  return handler('project', type, schemaIn(contract, type), handling);
}

/** A handler that has effects, such as notifications, mail and commands; otherwise like `project`. */
export function react<C extends ServiceContract, Type extends HandledType<C>, Transaction>(
  contract: C,
  type: Type,
  handling: Handling<Transaction, Type, DataOf<C, Type>>,
): EventHandler<Transaction> {
  return handler('react', type, schemaIn(contract, type), handling);
}

/** `schema` is that of `Data`: whoever calls `handle` has checked the data against it. */
export function handler<Transaction, Type extends string, Data>(
  kind: EventHandler['kind'],
  type: Type,
  schema: TSchema,
  handling: Handling<Transaction, Type, Data>,
): EventHandler<Transaction> {
  return { kind, type, schema, ...(handling as Pick<EventHandler<Transaction>, 'users' | 'handle'>) };
}

function schemaIn({ service, emits, accepts = {} }: ServiceContract, type: string): TSchema {
  const schema = accepts[type] ?? emits[type];
  if (schema === undefined) throw new TypeError(`${service} neither emits nor accepts ${type}`);
  // A service that only emits this type does not own it. The contract of the service that accepts it has the schema.
  if (serviceOf(type) !== service)
    throw new TypeError(`${type} belongs to ${serviceOf(type)}: make its handler by that contract`);
  return schema;
}
