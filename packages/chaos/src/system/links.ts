import { type FaultProxy, faultProxy } from '@warren/testing';

/** A proxy with one fault at a time, so that the end of one doesn't end another. */
export class Link {
  readonly #proxy: FaultProxy;

  private constructor(proxy: FaultProxy) {
    this.#proxy = proxy;
  }

  /** To what listens on one of these ports of 127.0.0.1: each new connection takes the next. */
  static async to(targets: readonly number[], port?: number): Promise<Link> {
    let turn = 0;
    const next = () => {
      turn += 1;
      return { host: '127.0.0.1', port: targets[turn % targets.length] as number };
    };
    return new Link(await faultProxy(next, port === undefined ? {} : { port }));
  }

  get port(): number {
    return this.#proxy.port;
  }

  cut(): void {
    this.#proxy.cut();
  }

  stall(): void {
    this.#proxy.stall();
  }

  delay(ms: number): void {
    this.#proxy.delay(ms);
  }

  heal(): void {
    this.#proxy.resume();
  }

  close(): Promise<void> {
    return this.#proxy.close();
  }
}
