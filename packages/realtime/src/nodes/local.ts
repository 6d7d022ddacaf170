import type { NodeLink } from '../api.js';

/** For one process, which has no other nodes: its own sockets get their pushes without any link. */
export function createLocalNodeLink(): NodeLink {
  return {
    state: 'up',
    hasPeers: false,
    broadcast: () => undefined,
    onMessage: () => undefined,
    close: async () => undefined,
  };
}
