import type { FeedEntry } from '@warren/unit-of-work';
import type { NodeLink } from './api.js';

/** The limits of one message. A larger entry is sent alone. */
const maxEntries = 100;
const maxBytes = 256 * 1024;

/** The most keys of one hint. */
const maxKeys = 1_000;

/** Sends entries to the other nodes, if there are any, in order and in messages of limited size. */
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

/** Sends a hint to the other nodes, if there are any, in messages of limited size. */
export function broadcastHint(link: NodeLink, service: string, topic: string, keys: readonly string[]): void {
  if (!link.hasPeers) return;
  for (let from = 0; from < keys.length; from += maxKeys) {
    link.broadcast({ kind: 'hint', service, topic, keys: keys.slice(from, from + maxKeys) });
  }
}
