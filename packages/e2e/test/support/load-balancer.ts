import { type FaultProxy, faultProxy } from '@warren/testing';

/** Milliseconds between readiness probes: several within the time for which a stopping instance reports unready. */
const probeEveryMs = 50;

/** A load balancer that sends new connections in turn to the ready instances. */
export class LoadBalancer {
  readonly #urls: readonly string[];
  #ready: readonly string[];
  #turn = 0;
  #proxy: FaultProxy | undefined;
  #probing: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#ready = urls;
  }

  static async open(urls: readonly string[]): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(urls);
    balancer.#proxy = await faultProxy(() => balancer.#next());
    balancer.#probing = balancer.#keepProbing();
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#proxy?.port}`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#probing;
    await this.#proxy?.close();
  }

  #next(): { host: string; port: number } {
    const targets = this.#ready.length > 0 ? this.#ready : this.#urls;
    const url = new URL(targets[this.#turn % targets.length] as string);
    this.#turn += 1;
    return { host: url.hostname, port: Number(url.port) };
  }

  async #keepProbing(): Promise<void> {
    while (!this.#closed) {
      const ready = await Promise.all(this.#urls.map(isReady));
      this.#ready = this.#urls.filter((_, index) => ready[index]);
      await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
