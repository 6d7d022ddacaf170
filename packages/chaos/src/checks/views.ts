import { isDeepStrictEqual } from 'node:util';
import type { FeedRow } from '../evidence/evidence.js';
import type { ClientView, SeenEntry } from '../ledger.js';
import { type Check, groupBy } from './check.js';

/** Each client must have seen its whole feed: every entry from 1 to the head, once, in order and unchanged. */
export const differingViews: Check = {
  name: 'clients whose view differs from their feed',
  find: ({ clients, feeds, heads }) => {
    const byUser = Object.fromEntries(
      Object.entries(feeds).map(([service, rows]) => [service, groupBy(rows, ({ userId }) => userId)]),
    );
    return clients.flatMap((client) => {
      const { service, userId, name } = client;
      const head = heads[service].find((row) => row.userId === userId)?.seq ?? 0;
      const difference = differenceOf(client, byUser[service]?.get(userId) ?? [], head);
      return difference === undefined
        ? []
        : [`${name} (user ${userId}, ${client.connects} connects): ${difference}`];
    });
  },
};

function differenceOf(
  { pulled, live, troubles }: ClientView,
  feed: readonly FeedRow[],
  head: number,
): string | undefined {
  if (troubles.length > 0) return troubles.join('; ');
  return (
    gapIn(pulled, 1, 'pulled') ??
    gapBetween(pulled, live) ??
    gapIn(live, live[0]?.seq ?? 1, 'live') ??
    missingEnd([...pulled, ...live], head) ??
    differingEntry([...pulled, ...live], feed)
  );
}

function gapIn(entries: readonly SeenEntry[], first: number, which: string): string | undefined {
  const index = entries.findIndex(({ seq }, at) => seq !== first + at);
  if (index < 0) return undefined;
  const around = entries.slice(Math.max(index - 2, 0), index + 3).map(({ seq }) => seq);
  return `${which} entry ${index} should be number ${first + index}: … ${around.join(', ')} …`;
}

/** A client pulls after it has connected: pulled and live entries may overlap, but must not leave a gap. */
function gapBetween(pulled: readonly SeenEntry[], live: readonly SeenEntry[]): string | undefined {
  const [first] = live;
  const last = pulled.at(-1)?.seq ?? 0;
  return first && first.seq > last + 1
    ? `live entries begin at ${first.seq}, pulled ones end at ${last}`
    : undefined;
}

function missingEnd(entries: readonly SeenEntry[], head: number): string | undefined {
  const last = entries.at(-1)?.seq ?? 0;
  return last === head ? undefined : `it saw up to ${last}, the head is ${head}`;
}

function differingEntry(entries: readonly SeenEntry[], feed: readonly FeedRow[]): string | undefined {
  const rows = new Map(feed.map((row) => [row.seq, row]));
  for (const entry of entries) {
    const { userId: _user, ...row } = rows.get(entry.seq) ?? { userId: '' };
    if (!isDeepStrictEqual(entry, row)) {
      return `number ${entry.seq} was ${JSON.stringify(entry)}, the feed has ${JSON.stringify(row)}`;
    }
  }
  return undefined;
}
