import type { HeardEvent, NodeBus } from '../../src/index.js';

/** What an adapter brings for one case. */
export interface NodeBusFixture {
  /** A node of the service that hears events of the type; resolves once it hears and may have peers. */
  connect(service: string, eventType: string): Promise<NodeBus>;
  /** Publishes a domain event, as a service would that may. */
  publish(event: HeardEvent): Promise<void>;
  /** Takes a node's connection away and keeps it away until `resume`. */
  cut?(node: NodeBus): Promise<void>;
  resume?(node: NodeBus): Promise<void>;
  /** Closes every node that `connect` gave. */
  close(): Promise<void>;
}

/** `true`, or the reason why the adapter can't. */
export type Feature = true | string;

export interface NodeBusFeatures {
  /** A node can lose its connection. */
  outages: Feature;
}

/** A fixture, with names of this case's own. */
export interface Scene {
  fixture: NodeBusFixture;
  service: string;
  /** Of domain events. */
  type: string;
  /** A node of the service. */
  connect(): Promise<NodeBus>;
}

export interface Rule {
  id: string;
  promise: string;
  needs?: keyof NodeBusFeatures;
  run(scene: Scene): Promise<void>;
}

/** Follows a key and records what comes. */
export async function record(node: NodeBus, key: string): Promise<unknown[]> {
  const got: unknown[] = [];
  await node.follow(key, (_key, message) => void got.push(message));
  return got;
}
