/** `unknown`: there was no final answer, so that the action may or may not have happened. */
export type Outcome = 'accepted' | 'refused' | 'unknown';

/** One attempt of an action. */
export interface Attempt {
  /** Milliseconds since the run began. */
  at: number;
  /** `ok`, or the reason why it was not accepted: status and code, or the error of the connection. */
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
  /** The version in the answer. */
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
  /** The id in the answer. */
  paymentId?: string;
}

export interface MarkReadAction extends ActionBase {
  kind: 'mark-read';
  userId: string;
  notificationId: string;
  commandId: string;
}

export type Action = RegisterAction | RenameAction | PayAction | MarkReadAction;

/** A feed entry that a client received. */
export interface SeenEntry {
  seq: number;
  type: string;
  id: string;
  time: string;
  data: unknown;
}

/** What one client saw. */
export interface ClientView {
  /** For the report, e.g. `ada3 /payment #2`. */
  name: string;
  userId: string;
  service: 'user' | 'payment' | 'notification';
  /** Entries from before its first connection, read with `feed.pull` from the oldest on. */
  pulled: SeenEntry[];
  /** Entries that were pushed after that, over all its connections, in the order of arrival. */
  live: SeenEntry[];
  /** Things that must not happen: a reset, an ended session, a permanent refusal. */
  troubles: string[];
  connects: number;
}

/** A bad event that the run itself published. */
export interface Planted {
  id: string;
  what: 'malformed' | 'unknown-type';
  /** The broker confirmed it, so it must not be lost. */
  confirmed: boolean;
}

/** Records the actions and observations of a run. */
export class Ledger {
  readonly #began = Date.now();
  readonly actions: Action[] = [];
  readonly clients: ClientView[] = [];
  readonly planted: Planted[] = [];
  /** The number of planned actions that were skipped because too many waited for their answers. */
  skipped = 0;

  /** Milliseconds since the run began. */
  now(): number {
    return Date.now() - this.#began;
  }
}
