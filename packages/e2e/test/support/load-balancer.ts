import { type FaultProxy, faultProxy } from '@warren/testing';

/** Milliseconds between two looks at each instance: several within the time that a stopping one gives to notice. */
const lookEveryMs = 50;

/** What a load balancer is to clients: new connections go, in turn, to the instances that say that they are ready. */
export class LoadBalancer {
  readonly #urls: readonly string[];
  #ready: readonly string[];
  #turn = 0;
  #proxy: FaultProxy | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#ready = urls;
  }

  static async open(urls: readonly string[]): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(urls);
    balancer.#proxy = await faultProxy(() => balancer.#next());
    balancer.#looking = balancer.#keepLooking();
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#proxy?.port}`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#looking;
    await this.#proxy?.close();
  }

  #next(): { host: string; port: number } {
    const among = this.#ready.length > 0 ? this.#ready : this.#urls;
    const url = new URL(among[this.#turn % among.length] as string);
    this.#turn += 1;
    return { host: url.hostname, port: Number(url.port) };
  }

  async #keepLooking(): Promise<void> {
    while (!this.#closed) {
      const ready = await Promise.all(this.#urls.map(isReady));
      this.#ready = this.#urls.filter((_, index) => ready[index]);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
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
