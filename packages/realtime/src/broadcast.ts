import type { FeedEntry } from '@warren/unit-of-work';
import type { NodeLink } from './api.js';

/** Bounds of one node-to-node message; an entry larger than that travels alone. */
const maxEntries = 100;
const maxBytes = 256 * 1024;

/** Sends entries to the other nodes, if there are any, in messages of a bounded size, in order. */
export function broadcastEntries(link: NodeLink, service: string, entries: readonly FeedEntry[]): void {
  if (!link.hasPeers) return;
  let batch: FeedEntry[] = [];
  let bytes = 0;
  const send = (): void => {
    if (batch.length > 0) link.broadcast({ kind: 'feed', service, entries: batch });
    batch = [];
    bytes = 0;
  };
  for (const entry of entries) {
    const size = Buffer.byteLength(JSON.stringify(entry.data) ?? '');
    if (batch.length === maxEntries || bytes + size > maxBytes) send();
    batch.push(entry);
    bytes += size;
  }
  send();
}
