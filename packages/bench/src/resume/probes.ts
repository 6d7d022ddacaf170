import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Probe {
  /** Latencies in milliseconds, each from the time at which it was due. */
  samples: number[];
  /** Messages of the failures. */
  failures: string[];
  /** Stops, and waits for the pending work. */
  stop(): Promise<void>;
}

/** Runs `work` every `everyMs` milliseconds, even while earlier runs are pending. A rejection counts as a failure. */
export function probeEvery(everyMs: number, work: (number: number) => Promise<void>): Probe {
  const samples: number[] = [];
  const failures: string[] = [];
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  async function once(due: number, number: number): Promise<void> {
    try {
      await work(number);
      samples.push(performance.now() - due);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }

  async function loop(): Promise<void> {
    let due = performance.now();
    for (let number = 0; !stopping.signal.aborted; number += 1) {
      const one = once(due, number);
      running.add(one);
      void one.then(() => running.delete(one));
      due += everyMs;
      await sleep(Math.max(0, due - performance.now()));
    }
  }

  const looping = loop();
  return {
    samples,
    failures,
    async stop() {
      stopping.abort();
      await looping;
      await Promise.all(running);
    },
  };
}

/** Keeps connections open, as a load balancer does. */
const kept = new Agent({ keepAlive: true, maxSockets: 16 });

/** Opens the connections that `ask` uses. */
export async function warmUp(url: string): Promise<void> {
  await Promise.all(Array.from({ length: kept.maxSockets }, () => ask('GET', url, {}, 10_000)));
}

/** Rejects unless the answer is 200 within `timeoutMs`. `fresh` uses a new connection, as a kubelet does. */
export function ask(
  method: string,
  url: string,
  headers: Record<string, string>,
  timeoutMs: number,
  fresh = false,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: fresh ? false : kept, method, headers });
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    outgoing.once('close', () => clearTimeout(timer));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${response.statusCode} ${text.slice(0, 200)}`));
      });
    });
    outgoing.end();
  });
}
