import type { Action, ClientView, Planted } from '../ledger.js';
import type { Service } from '../services.js';
import type { BadEnd } from '../system/instance.js';

export interface UserRow {
  id: string;
  email: string;
  displayName: string;
  locale: string;
  timeZone: string;
  version: number;
}

/** A copy of a user; payment's has no names. */
export interface CopyRow {
  id: string;
  version: number;
  deleted: boolean;
  displayName?: string | null;
  locale?: string | null;
  timeZone?: string | null;
}

export interface PaymentRow {
  id: string;
  payerId: string;
  recipientId: string;
  amount: number;
  currency: string;
  status: string;
  description: string | null;
  version: number;
}

/** A person's balance as the payment service keeps it, and the sum of their entries; null where one of both is missing. */
export interface BalanceRow {
  account: string;
  currency: string;
  /** Decimal digits, since PostgreSQL's sums have no bound. */
  held: string | null;
  sum: string | null;
}

export interface NotificationRow {
  id: string;
  userId: string;
  eventId: string;
  kind: string;
  paymentId: string | null;
  read: boolean;
  seen: boolean;
  archived: boolean;
}

export interface CountsRow {
  userId: string;
  unread: number;
  unseen: number;
}

export interface FeedRow {
  userId: string;
  seq: number;
  type: string;
  id: string;
  time: string;
  data: unknown;
}

export interface HeadRow {
  userId: string;
  seq: number;
}

export interface OutboxRow {
  id: string;
  type: string;
  subject: string;
  version: number;
  published: boolean;
}

/** Which service has handled which event. */
export interface InboxRow {
  service: Service;
  eventId: string;
}

/** A message that waits for a retry or is a dead letter. */
export interface Letter {
  queue: string;
  messageId: string;
  type: string;
  reason: string;
  error: string;
  body: string;
}

export interface Tables {
  users: UserRow[];
  copies: Record<'payment' | 'notification', CopyRow[]>;
  payments: PaymentRow[];
  /** Calls to the payment provider that nobody has settled. */
  openOperations: number;
  balances: BalanceRow[];
  notifications: NotificationRow[];
  counts: CountsRow[];
  feeds: Record<Service, FeedRow[]>;
  heads: Record<Service, HeadRow[]>;
  outbox: Record<Service, OutboxRow[]>;
  inbox: InboxRow[];
}

/** All that the checks look at: what people were told and saw, and what is in the databases and queues. */
export interface Evidence extends Tables {
  actions: readonly Action[];
  clients: readonly ClientView[];
  planted: readonly Planted[];
  letters: Letter[];
  /** Messages in queues, by name. */
  queues: Record<string, number>;
  badEnds: readonly BadEnd[];
  /** What was still going on when the wait for quiet was given up; empty if it became quiet in time. */
  unrest: readonly string[];
}
