/** Accepted: the server said so. Refused: it said no for good. Unknown: nobody answered; it may have happened. */
export type Outcome = 'accepted' | 'refused' | 'unknown';

/** One try of an action: what came back, or why nothing did. */
export interface Attempt {
  /** Milliseconds since the run began. */
  at: number;
  /** HTTP status, `ok`, a code, or what went wrong on the way. */
  answer: string;
}

interface ActionBase {
  id: string;
  at: number;
  outcome: Outcome;
  attempts: Attempt[];
}

export interface RegisterAction extends ActionBase {
  kind: 'register';
  email: string;
  displayName: string;
  userId?: string;
}

export interface RenameAction extends ActionBase {
  kind: 'rename';
  userId: string;
  /** Unique in the run. */
  displayName: string;
  /** As the answer said. */
  version?: number;
}

export interface PayAction extends ActionBase {
  kind: 'pay';
  userId: string;
  recipientId: string;
  amount: number;
  currency: string;
  method: string;
  key: string;
  /** Unique in the run; stored with the payment. */
  description: string;
  /** As the answer said. */
  paymentId?: string;
}

export interface MarkReadAction extends ActionBase {
  kind: 'mark-read';
  userId: string;
  notificationId: string;
  commandId: string;
}

export type Action = RegisterAction | RenameAction | PayAction | MarkReadAction;

/** An entry as a client got it. */
export interface SeenEntry {
  seq: number;
  type: string;
  id: string;
  time: string;
  data: unknown;
}

/** What one client saw. */
export interface ClientView {
  /** For people: `ada3 /payment #2`. */
  name: string;
  userId: string;
  service: 'user' | 'payment' | 'notification';
  /** What was there before it first connected, read by `feed.pull` from the oldest on. */
  pulled: SeenEntry[];
  /** What came by itself after that, over all its connections, in the order of arrival. */
  live: SeenEntry[];
  /** Anything that must not happen to it: a reset, an ended session, a refusal for good. */
  troubles: string[];
  connects: number;
}

/** A bad event that the run published itself. */
export interface Planted {
  id: string;
  what: 'malformed' | 'unknown-type';
  /** Confirmed by the broker, so that it must be somewhere. */
  confirmed: boolean;
}

/** Everything that was tried and seen in a run. */
export class Ledger {
  readonly #began = Date.now();
  readonly actions: Action[] = [];
  readonly clients: ClientView[] = [];
  readonly planted: Planted[] = [];
  /** Planned actions that nobody tried, since too many waited for their answers already. */
  leftOut = 0;

  /** Milliseconds since the run began. */
  now(): number {
    return Date.now() - this.#began;
  }
}
