import type { NodeLink, NodeMessage } from '@warren/realtime';

/** A link whose other end is the test. */
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

  /** As if another node had sent it. */
  deliver(message: NodeMessage): void {
    this.#listener(message);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
