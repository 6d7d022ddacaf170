import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '@warren/realtime';
import { eventually } from '@warren/testing';
import { range } from './support/client.js';
import { closeAfterEach, node, onEnd } from './support/fixtures.js';
import { memoryInUse } from './support/memory.js';
import { SilentClient } from './support/silent-client.js';

closeAfterEach();

/** How long the tabs read nothing. `npm run test:full` waits a minute, with the default ping interval. */
const full = process.env.WARREN_TEST_FULL === '1';
const silenceMs = full ? 60_000 : 2_000;
const pings = full ? {} : { pingIntervalMs: 2_000, pingTimeoutMs: 2_000 };
const pongEveryMs = full ? 2_000 : 100;

const entries = 10_000;
const tabs = 5;
const data = 'x'.repeat(4_096);

/**
 * A tab may have 1 MiB of unsent bytes, which may be in memory twice: as text and as frames. The in-memory feed takes
 * another 4 MiB or so. Without the limit, each tab would take 40 MB.
 */
const maxGrowth = tabs * 2 * defaultLimits.unsentBytes + 5 * 1024 * 1024;

describe('tabs that read nothing while 10,000 entries are written', () => {
  it(
    'use limited memory, then pull what they miss and become live, complete and in order',
    async () => {
      // All tabs together pull more than the default budget allows in that time.
      const pulls = { perSecond: 1e6, burst: 1e6 };
      const at = await node({ ...pings, limits: { commandsPerSecond: 10_000, pulls } });
      const clients: SilentClient[] = [];
      for (let tab = 0; tab < tabs; tab += 1) {
        const client = await SilentClient.join(at.port, 'ann', pongEveryMs);
        onEnd(() => client.leave());
        clients.push(client);
      }

      const before = memoryInUse();
      let growth = 0;
      const slices = 50;
      for (let slice = 1; slice <= slices; slice += 1) {
        for (let i = 0; i < entries / slices; i += 1) at.commit('ann', data);
        await pause(silenceMs / slices);
        if (slice % 10 === 0) growth = Math.max(growth, memoryInUse() - before);
      }
      expect(growth).toBeLessThan(maxGrowth);
      await eventually(() => expect(at.realtime.stats().drops).toBe(tabs));
      expect(at.realtime.stats().sockets).toBe(tabs);

      for (const client of clients) {
        client.read();
        await client.behind();
        const pushed = client.pushed;
        const from = pushed.at(-1)?.cursor ?? at.feeds.cursor(0);
        const pulled = await pullToHead(client, from, () => at.commit('ann'));
        at.commit('ann');
        const { seq: head } = await at.feeds.head('ann');
        await eventually(() => {
          const live = client.pushed.slice(pushed.length);
          expect([...pushed, ...pulled, ...live].map(({ seq }) => seq)).toEqual(range(1, head));
        });
      }
    },
    silenceMs + 60_000,
  );
});

/** Pulls until the head is reached. After each pull, `write` writes fewer entries than a pull returns. */
async function pullToHead(client: SilentClient, after: string, write: () => void) {
  const pulled = [];
  for (let cursor = after; ; ) {
    const { entries, head } = await client.pull(cursor);
    pulled.push(...entries);
    cursor = entries.at(-1)?.cursor ?? cursor;
    if (cursor === head) return pulled;
    write();
  }
}
