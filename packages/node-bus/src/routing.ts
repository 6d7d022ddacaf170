/** A message, and the key that it is sent to. */
export interface KeyedMessage {
  key: string;
  message: unknown;
}

/** Which nodes get some messages. `all`: every other node of the service. */
export type Recipients = 'all';

export type Post = (to: Recipients, messages: readonly KeyedMessage[]) => void;

/** Finds the nodes that follow a key. */
export interface Routing {
  /** Resolves once senders find this node by the key. */
  follow(key: string): Promise<void>;
  unfollow(key: string): void;
  /**
   * Calls `post` for each group of nodes that may follow some of the keys, with what goes there. It may do so later, but
   * keeps the order of messages to one key. Never throws.
   */
  route(messages: readonly KeyedMessage[], post: Post): void;
}

/**
 * Every message goes to all nodes, and each looks up whether it follows the key. `hasPeers`: whether there may be another
 * node. Without one, nothing is sent.
 */
export function broadcastRouting(hasPeers: () => boolean): Routing {
  return {
    follow: () => Promise.resolve(),
    unfollow: () => undefined,
    route(messages, post) {
      if (hasPeers()) post('all', messages);
    },
  };
}
