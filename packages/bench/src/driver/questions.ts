/** What the driver's parent may ask of it, by name. */
export interface DriverQuestions {
  'open-loop': { system: string; rate: number; seconds: number };
  'closed-loop': { system: string; concurrency: number; seconds: number };
}

/** Latencies in milliseconds, POST due to arrival on the socket. */
export interface OpenLoopResult {
  events: number;
  p50: number;
  p99: number;
  /** Processor time of the driver itself. */
  driverMs: number;
}

export interface ClosedLoopResult {
  events: number;
  perSecond: number;
  driverMs: number;
}
