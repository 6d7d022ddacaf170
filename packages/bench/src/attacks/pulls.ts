import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { Bench } from '../bench.js';
import type { Person } from '../driver/questions.js';
import { fillFeeds } from '../resume/feeds.js';
import { figuresOf, openStage, type Probes } from '../resume/stage.js';

/** The number of entries in the attacker's feed. */
const entries = 20_000;
const sockets = 5;
const pullsPerSecond = 50;

/**
 * One account pulls 500 entries fifty times a second from a complete service. Measures other users' transactions, and
 * the time from a payment to the push to its recipient, with and without the attack.
 */
export async function pullRow(seconds: number): Promise<string> {
  const bench = await Bench.create(undefined);
  try {
    const stage = await openStage(bench);
    const [mallory] = await stage.tokens.people(1);
    if (!mallory) throw new RangeError('an attack needs a user');
    await fillFeeds(stage.databaseUrl, [mallory], entries);
    await figures(stage.probe(), seconds);
    const calm = await figures(stage.probe(), seconds);
    const attack = pullHard(stage.port, mallory);
    const attacked = await figures(stage.probe(), seconds);
    const { answered, refused } = attack.stop();
    const line = (name: 'transactions' | 'events', what: string) =>
      `${what} p50 ${attacked[name].p50} ms, p99 ${attacked[name].p99} ms (without it ${calm[name].p50} and ${calm[name].p99} ms)`;
    return (
      `${pullsPerSecond} × feed.pull { limit: 500 } a second: ${line('transactions', 'transactions')}; ` +
      `${line('events', 'payment and push')}; ${answered} pulls answered, ${refused} refused`
    );
  } catch (error) {
    return `pulls: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await bench.cleanup.run();
  }
}

async function figures(probes: Probes, seconds: number): Promise<ReturnType<typeof figuresOf>> {
  await sleep(seconds * 1_000);
  await Promise.all(Object.values(probes).map((probe) => probe.stop()));
  return figuresOf(probes);
}

function pullHard(port: number, { token }: Person) {
  let answered = 0;
  let refused = 0;
  const tabs: Socket[] = Array.from({ length: sockets }, () =>
    io(`http://127.0.0.1:${port}/notification`, {
      transports: ['websocket'],
      forceNew: true,
      auth: { token },
    }),
  );
  let turn = 0;
  const timer = setInterval(() => {
    const tab = tabs[turn++ % sockets];
    if (!tab?.connected) return;
    tab.emit('feed.pull', { limit: 500 }, ({ ok }: { ok: boolean }) => {
      if (ok) answered += 1;
      else refused += 1;
    });
  }, 1_000 / pullsPerSecond);
  return {
    stop: () => {
      clearInterval(timer);
      for (const tab of tabs) tab.disconnect();
      return { answered, refused };
    },
  };
}
