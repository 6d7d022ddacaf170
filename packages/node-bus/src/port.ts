/**
 * How the processes of a service reach each other for what only has to be quick: pushes to sockets and hints. What must
 * not be lost goes over the event bus. Two adapters keep this contract, `memory` and `rabbitmq`, and one conformance
 * suite holds both to it.
 *
 * - **A node** is one process of one service. It has one connection and one queue for all of this.
 * - **At most once.** A message may be lost at any time: while the broker is away, while a node is slow or restarts.
 * - **Other nodes only.** What a node sends and announces doesn't come back to it.
 * - **The own service only.** A message reaches nodes of the service that its key or topic names, and no others.
 * - **Never in the way.** `send` and `announce` don't wait for the broker and don't throw. What is on its way to the
 *   broker, and what waits at the broker for a slow node, is bounded in bytes; drops are counted.
 *
 * Keys and topics begin with the name of this node's service: `payment/user:<id>`. A message is any value that JSON can
 * carry.
 */
export interface NodeBus {
  /**
   * From now on `listener` gets what other nodes send to `key`. A key has one listener, the newest. Resolves once every
   * sender's messages reach this node; with broadcast routing that is at once.
   *
   * Throws `RangeError` for a key of another service.
   */
  follow(key: string, listener: KeyListener): Promise<void>;
  unfollow(key: string): void;
  /** To every other node that follows the key. */
  send(key: string, message: unknown): void;

  /**
   * Calls `listener` with what other nodes announce on the topic. A topic may have several listeners.
   *
   * Throws `RangeError` for a topic of another service.
   */
  hear(topic: string, listener: (message: unknown) => void): void;
  /** To every other node of the service that hears the topic. */
  announce(topic: string, message: unknown): void;

  /**
   * Calls `listener` with each domain event of the types that the bus was made for. Every node hears each event, at most
   * once, also the node whose process published it.
   */
  onEvent(listener: (event: HeardEvent) => void): void;

  /**
   * Calls `listener` whenever the node begins to receive: first when it connects, and then after each gap in which messages
   * may have been lost, because the connection or the bindings of its queue were.
   */
  onConnected(listener: () => void): void;
  /** Resolves once the node hears, or once it is clear that the broker has to come back first. */
  ready(): Promise<void>;

  /** `degraded` while messages can't be sent or heard; that mends itself. For readiness. */
  readonly state: 'up' | 'degraded';
  /**
   * Why the broker has refused this node since it began: only an operator can change that. Undefined while the broker
   * is merely away. May name users and queues, so it is for logs.
   */
  readonly refused?: string | undefined;
  stats(): NodeBusStats;
  /** Stops hearing and disconnects. Never rejects. */
  close(): Promise<void>;
}

/** Must not block. An error that it throws is logged. */
export type KeyListener = (key: string, message: unknown) => void;

/** A domain event: its type, and a CloudEvent in structured JSON. */
export interface HeardEvent {
  type: string;
  body: string;
}

/** Counters since the start. */
export interface NodeBusStats {
  /** Messages that came for a key that this node follows. */
  useful: number;
  /** Messages for keys that this node doesn't follow, so that their look-up found nobody. */
  wasted: number;
  /** Messages that this node sent or announced and that never left it. */
  dropped: number;
  /** Frames of other nodes that never came here. A frame holds all messages that were sent together, up to 100. */
  missed: number;
  /** Messages refused because of the broker user that published them. */
  unauthorized: number;
}
