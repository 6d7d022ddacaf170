import type { Bench, Server } from '../bench.js';
import type { Target } from '../driver/target.js';

/** One way to bring a payment's POST to the recipient's socket. */
export interface System {
  name: string;
  start(bench: Bench, people: number): Promise<RunningSystem>;
}

export interface RunningSystem {
  target: Target;
  servers: Server[];
}
