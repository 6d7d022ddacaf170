import { type ClientOptions, type Faults, StormClient, sumOfFaults } from './client.js';

/** The progress of a swarm's clients. */
export interface Standing {
  ready: number;
  /** The lowest sequence number of any client. */
  lowest: number;
}

export interface SwarmReport {
  clients: number;
  cuts: number;
  /** The sum over all clients. */
  faults: Faults;
  /** The last sequence number of each client. */
  ends: number[];
  /** Milliseconds, one per cut: see `StormClient`. */
  replays: number[];
  outages: number[];
}

/** The clients of one process. */
export class Swarm {
  readonly #clients: StormClient[];

  /** Starts connecting all clients. */
  constructor(clients: readonly ClientOptions[]) {
    this.#clients = clients.map((options) => new StormClient(options));
  }

  get standing(): Standing {
    const seqs = this.#clients.map(({ seq }) => seq);
    return {
      ready: this.#clients.filter(({ ready }) => ready).length,
      lowest: seqs.reduce((lowest, seq) => Math.min(lowest, seq), Number.MAX_SAFE_INTEGER),
    };
  }

  /** Cuts all clients. */
  cut(): void {
    for (const client of this.#clients) client.cut();
  }

  report(): SwarmReport {
    return {
      clients: this.#clients.length,
      cuts: this.#clients.reduce((sum, { cuts }) => sum + cuts, 0),
      faults: sumOfFaults(this.#clients.map(({ faults }) => faults)),
      ends: this.#clients.map(({ seq }) => seq),
      replays: this.#clients.flatMap(({ replays }) => replays),
      outages: this.#clients.flatMap(({ outages }) => outages),
    };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
