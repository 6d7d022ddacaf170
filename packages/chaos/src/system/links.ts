import { type FaultProxy, faultProxy } from '@warren/testing';

/** A proxied connection to one or more ports on this machine. It has one fault at a time. */
export class Link {
  readonly #proxy: FaultProxy;

  private constructor(proxy: FaultProxy) {
    this.#proxy = proxy;
  }

  /** Opens a link to these ports on 127.0.0.1. Each new connection goes to the next port. */
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
