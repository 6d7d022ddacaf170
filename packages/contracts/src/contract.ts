import type { Static, TSchema } from 'typebox';
import { type ErrorDefinition, kitErrors } from './kit-errors.js';
import { serviceOf } from './replay.js';

/** What a command takes and what its acknowledgement carries in `data`. */
export interface CommandContract {
  input: TSchema;
  output: TSchema;
}

/** A service's public language: everything that other programs can see of it, apart from HTTP. */
export interface ServiceContract {
  /** Names the queue, the namespace and the prefix of every event type. */
  service: string;
  /** Event type to the closed schema of its `data`. */
  emits: Readonly<Record<string, TSchema>>;
  /**
   * Event types under this service's name that any other service may publish to it, to the closed schema of their
   * `data`: requests such as `notification.requested`.
   */
  accepts?: Readonly<Record<string, TSchema>>;
  /**
   * Emitted types that count as published although no queue takes them. An event of any other type stays in the outbox
   * until a queue takes it.
   */
  discardable?: readonly string[];
  commands: Readonly<Record<string, CommandContract>>;
  /** Feed entry type to the closed schema of its `data`. */
  feed: Readonly<Record<string, TSchema>>;
  /** What sockets are told live only and at most once, to the closed schema of its argument. */
  ephemeral?: Readonly<Record<string, TSchema>>;
  /** Error codes of this service's own, in kebab case. None is one of `kitErrors`. */
  errors?: Readonly<Record<string, ErrorDefinition>>;
}

/**
 * Checks a contract and keeps its exact type.
 *
 * @throws TypeError for an error code that is not in kebab case or that the kit has already
 */
export function defineContract<const C extends ServiceContract>(
  contract: C & { discardable?: readonly (keyof C['emits'] & string)[] },
): C {
  const { service, errors = {} } = contract;
  for (const code of Object.keys(errors)) {
    if (!/^[a-z]+(-[a-z0-9]+)*$/.test(code))
      throw new TypeError(`The error code ${code} of ${service} is not in kebab case`);
    if (Object.hasOwn(kitErrors, code))
      throw new TypeError(`The kit has the error code ${code} already; ${service} needs another one`);
  }
  return contract;
}

/**
 * Whether a service takes an event of this type from this publisher: each service publishes under its own name, and any
 * may publish what `consumer` accepts. The broker lets a service publish only what its contract emits.
 */
export function takesFrom(consumer: ServiceContract, publisher: string, type: string): boolean {
  if (publisher === '') return false;
  return serviceOf(type) === publisher || Object.hasOwn(consumer.accepts ?? {}, type);
}

/** The codes that a service may send: its own and those of the kit. */
export type ErrorCodeOf<C extends ServiceContract> =
  | keyof typeof kitErrors
  | (C extends { errors: infer E } ? keyof E & string : never);

export type CommandInput<C extends ServiceContract, N extends keyof C['commands']> = Static<
  C['commands'][N]['input']
>;
export type CommandOutput<C extends ServiceContract, N extends keyof C['commands']> = Static<
  C['commands'][N]['output']
>;
