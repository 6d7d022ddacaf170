import type { Bench, Server } from '../bench.js';
import type { Target } from '../driver/questions.js';

/** A system under test: it turns the POST of a payment into a push to the recipient's socket. */
export interface System {
  name: string;
  start(bench: Bench, people: number): Promise<RunningSystem>;
}

export interface RunningSystem {
  target: Target;
  servers: Server[];
}
