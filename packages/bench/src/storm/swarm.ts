import { type ClientOptions, type Faults, StormClient } from './client.js';

/** Where the clients of a swarm are at this moment. */
export interface Standing {
  ready: number;
  /** The lowest number that a client has come to. */
  lowest: number;
}

export interface SwarmReport {
  clients: number;
  cuts: number;
  /** Summed over all clients. */
  faults: Faults;
  /** The number that each client ended with. */
  ends: number[];
  /** Milliseconds, one a cut: see `StormClient`. */
  replays: number[];
  outages: number[];
}

/** Many clients in one process. */
export class Swarm {
  readonly #clients: StormClient[];

  /** They start connecting at once. */
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

  /** All at once. */
  cut(): void {
    for (const client of this.#clients) client.cut();
  }

  report(): SwarmReport {
    const faults: Faults = { gaps: 0, duplicates: 0, repeated: 0, resets: 0, behind: 0, refused: 0 };
    for (const client of this.#clients) {
      for (const key of Object.keys(faults) as (keyof Faults)[]) faults[key] += client.faults[key];
    }
    return {
      clients: this.#clients.length,
      cuts: this.#clients.reduce((sum, { cuts }) => sum + cuts, 0),
      faults,
      ends: this.#clients.map(({ seq }) => seq),
      replays: this.#clients.flatMap(({ replays }) => replays),
      outages: this.#clients.flatMap(({ outages }) => outages),
    };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
