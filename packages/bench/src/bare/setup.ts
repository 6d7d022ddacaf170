import { type ChannelModel, connect } from 'amqplib';

export const exchange = 'warren.events';
export const queue = 'warren.notification.events';
export const paymentSucceeded = 'payment.succeeded';

/** Connects without Nagle's algorithm, which would make single messages take 44 ms each. */
export function connectBroker(url: string): Promise<ChannelModel> {
  return connect(url, { noDelay: true });
}

/** The tables of the bare pipeline. */
export const paymentTables = `
  create table payment (
    id uuid primary key,
    payer_id uuid not null,
    recipient_id uuid not null,
    amount bigint not null,
    currency text not null,
    status text not null,
    description text,
    version int not null,
    created_at timestamptz not null
  );
  create table outbox (
    position bigint generated always as identity primary key,
    id uuid not null,
    type text not null,
    body text not null,
    published_at timestamptz
  );
  create index outbox_waiting on outbox (position) where published_at is null;
`;

export const notificationTables = `
  create table inbox (event_id uuid primary key, handled_at timestamptz not null default now());
  create table notification (
    id uuid primary key,
    user_id uuid not null,
    kind text not null,
    title text not null,
    body text not null,
    data jsonb not null,
    version int not null,
    created_at timestamptz not null
  );
  create index notification_of_user on notification (user_id, created_at);
`;
