import type { Static, TSchema } from 'typebox';
import { serviceOf } from './replay.js';

/** What a command takes and what its acknowledgement carries in `data`. */
export interface CommandContract {
  input: TSchema;
  output: TSchema;
}

/** A service's language: everything that other programs can see of it, apart from HTTP. */
export interface ServiceContract {
  /** Names the queue, the namespace and the prefix of every event type. */
  service: string;
  /** Event type to the closed schema of its `data`. */
  emits: Record<string, TSchema>;
  /** Types that this service handles, whoever emits them. */
  consumes: readonly string[];
  commands: Record<string, CommandContract>;
  /** Feed entry type to the closed schema of its `data`. */
  feed: Record<string, TSchema>;
  /** What sockets are told live only and at most once, to the closed schema of its argument. */
  ephemeral?: Record<string, TSchema>;
}

export function defineContract<const C extends ServiceContract>(contract: C): C {
  return contract;
}

/**
 * Whether a service may publish events of a type: those that bear its name, and those that its contract states that it
 * emits, which another service handles for all.
 */
export function mayPublish(contracts: readonly ServiceContract[], service: string, type: string): boolean {
  if (serviceOf(type) === service) return true;
  return contracts.some((contract) => contract.service === service && Object.hasOwn(contract.emits, type));
}

export type CommandInput<C extends ServiceContract, N extends keyof C['commands']> = Static<
  C['commands'][N]['input']
>;
export type CommandOutput<C extends ServiceContract, N extends keyof C['commands']> = Static<
  C['commands'][N]['output']
>;
