import type { Logger } from 'pino';
import { isOwn, Listeners } from './listeners.js';
import type { HeardEvent, NodeBus } from './port.js';
import { broadcastRouting } from './routing.js';
import { Sending } from './sending.js';
import { decode, type Encoded, encodeAnnounced, encodeSent } from './wire.js';

export interface MemoryNodeOptions {
  service: string;
  /** Types of domain events that the node hears. Default: none. */
  events?: readonly string[];
  log?: Logger;
}

/** All nodes within one process. */
export interface MemoryNodes {
  /** Adds a node. It leaves with its `close`. */
  join(options: MemoryNodeOptions): NodeBus;
  /** Tells every node that hears events of this type. */
  publish(event: HeardEvent): void;
}

interface MemoryNode {
  service: string;
  events: ReadonlySet<string>;
  listeners: Listeners;
}

export function createMemoryNodes(): MemoryNodes {
  const nodes = new Set<MemoryNode>();
  return {
    join: (options) => join(nodes, options),
    publish({ type, body }) {
      for (const node of nodes) {
        if (node.events.has(type)) queueMicrotask(() => node.listeners.deliverEvent({ type, body }));
      }
    },
  };
}

function join(nodes: Set<MemoryNode>, { service, events = [], log }: MemoryNodeOptions): NodeBus {
  const listeners = new Listeners(service, log);
  const self: MemoryNode = { service, events: new Set(events), listeners };
  let dropped = 0;
  nodes.add(self);
  const peers = () => [...nodes].filter((node) => node !== self && node.service === service);
  const routing = broadcastRouting(() => peers().length > 0);
  const drop = (error: unknown): void => {
    dropped += 1;
    log?.warn({ err: error }, 'a message to other nodes is dropped');
  };

  /** Each node gets a copy of its own, as if it were another process. */
  function deliver({ content }: Encoded): void {
    for (const { listeners: theirs } of peers()) {
      queueMicrotask(() => {
        const decoded = decode(content);
        if (decoded && decoded !== 'unknown') theirs.deliver(decoded);
      });
    }
  }

  const sending = new Sending(routing, (_all, messages) => {
    for (const part of encodeSent(messages, drop)) deliver(part);
  });
  return {
    follow(key, listener) {
      listeners.follow(key, listener);
      return routing.follow(key);
    },
    unfollow(key) {
      listeners.unfollow(key);
      routing.unfollow(key);
    },
    send(key, message) {
      if (!nodes.has(self) || !isOwn(service, key)) return drop(new Error(`"${key}" can not be reached`));
      sending.send(key, message);
    },
    hear: (topic, listener) => listeners.hear(topic, listener),
    announce(topic, message) {
      try {
        if (!nodes.has(self) || !isOwn(service, topic)) throw new Error(`"${topic}" can not be reached`);
        deliver(encodeAnnounced(topic, message));
      } catch (error) {
        drop(error);
      }
    },
    onEvent: (listener) => listeners.onEvent(listener),
    // It hears from the moment it joins.
    onConnected: () => undefined,
    ready: async () => undefined,
    get state() {
      return nodes.has(self) ? 'up' : 'degraded';
    },
    stats: () => ({
      useful: listeners.useful,
      wasted: listeners.wasted,
      dropped,
      missed: 0,
      unauthorized: 0,
    }),
    close: async () => {
      nodes.delete(self);
    },
  };
}
