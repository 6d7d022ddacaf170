import type { NodeLink, NodeMessage } from '@warren/realtime';

/** A link that records what is sent. A test delivers the messages of other nodes. */
export class ScriptedLink implements NodeLink {
  readonly state = 'up';
  hasPeers = true;
  readonly sent: NodeMessage[] = [];
  #listener: (message: NodeMessage) => void = () => undefined;

  broadcast(message: NodeMessage): void {
    this.sent.push(message);
  }

  onMessage(listener: (message: NodeMessage) => void): void {
    this.#listener = listener;
  }

  /** Receives a message as if another node had sent it. */
  deliver(message: NodeMessage): void {
    this.#listener(message);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
