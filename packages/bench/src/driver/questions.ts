/** Tells the driver how to use a system under test. Sent over IPC. */
export interface Target {
  name: string;
  /** Accepts a POST of one payment and answers 201 with its `id`. */
  paymentsUrl: string;
  /** The recipients' Socket.IO endpoint, namespace included. */
  socketUrl: string;
  payers: Person[];
  /** Each has one socket, which receives `session.ready` and then a `notification.created` for each payment. */
  recipients: Person[];
}

export interface Person {
  id: string;
  token: string;
}

/** The questions that the driver answers, by name. */
export interface DriverQuestions {
  'open-loop': { system: string; rate: number; seconds: number };
  'closed-loop': { system: string; concurrency: number; seconds: number };
}

/** Latencies in milliseconds, from the time at which the POST was due to the arrival on the socket. */
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
