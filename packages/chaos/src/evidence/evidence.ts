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

/** A copy of a user. The payment service's copies have no names. */
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

/** A person's stored balance and the sum of their ledger entries. One of the two is null if it is missing. */
export interface BalanceRow {
  account: string;
  currency: string;
  /** As decimal digits, because PostgreSQL's sums are unbounded. */
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

/** A service has handled an event. */
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
  /** The number of calls to the payment provider that are not settled. */
  openOperations: number;
  balances: BalanceRow[];
  notifications: NotificationRow[];
  counts: CountsRow[];
  feeds: Record<Service, FeedRow[]>;
  heads: Record<Service, HeadRow[]>;
  outbox: Record<Service, OutboxRow[]>;
  inbox: InboxRow[];
}

/** The input of the checks: what people did and saw, and the contents of the databases and queues. */
export interface Evidence extends Tables {
  actions: readonly Action[];
  clients: readonly ClientView[];
  planted: readonly Planted[];
  letters: Letter[];
  /** The number of messages by queue name. */
  queues: Record<string, number>;
  badEnds: readonly BadEnd[];
  /** Work that was not finished at the end of `settle`; empty if everything finished in time. */
  ongoing: readonly string[];
}
