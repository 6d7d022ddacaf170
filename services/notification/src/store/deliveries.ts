import { v7 as uuidv7 } from 'uuid';
import type { OutsideChannel } from '../domain/notices/kind.js';
import type { MailContent, PushContent } from '../domain/notices/render.js';
import type { NotificationDb } from './database.js';

/** A notification that was just written, for one channel. */
export interface Deliverable {
  userId: string;
  eventId: string;
  kind: string;
  channel: OutsideChannel;
  /** Whether to deliver it if the person has made no choice. */
  enabled: boolean;
  /** Whether to ignore the person's choice. */
  locked: boolean;
  content: MailContent | PushContent;
  /** The mail that replaces this one and others if the person gets too many. */
  summary: MailContent;
}

/**
 * Most pushes that wait for one subscription; further notifications are in the inbox only. Anybody can make a
 * subscription that never takes a push, so an unproven one gets fewer. Nobody reads more than a hundred after an
 * outage.
 */
const mostWaiting = { unproven: 20, proven: 100 } as const;

/**
 * Most mails to one person in a clock hour (UTC), besides those that can't be switched off. The others become one mail
 * at the end of the hour, with a link to the inbox. So nobody can flood a mailbox by paying a cent again and again.
 */
const mostMailsAnHour = 20;
const hourMs = 3_600_000;

/**
 * Writes a delivery for each channel that the person wants: one mail, unless the address is known to be unverified; one
 * push per subscription, unless too many wait for it. Call it only in the transaction that wrote the notifications:
 * earlier notifications have their deliveries already. `OFFSET` stops counting when a limit is reached.
 */
export async function writeDeliveries(
  db: NotificationDb,
  deliverables: readonly Deliverable[],
  { at, giveUpAt, summaryKind }: { at: Date; giveUpAt: Date; summaryKind: string },
): Promise<void> {
  const hour = new Date(Math.floor(at.getTime() / hourMs) * hourMs).toISOString();
  await db.$executeRaw`
    INSERT INTO deliveries (id, user_id, event_id, kind, channel, target, content, due_at, give_up_at, created_at)
    SELECT gen_random_uuid(), d."userId", CASE WHEN m.too_many THEN ${`hour ${hour}`} ELSE d."eventId" END,
      CASE WHEN m.too_many THEN ${summaryKind} ELSE d.kind END, d.channel, coalesce(s.id::text, ''),
      CASE WHEN m.too_many THEN d.summary ELSE d.content END,
      CASE WHEN m.too_many THEN greatest(now(), ${hour}::timestamptz + interval '1 hour') ELSE now() END,
      ${giveUpAt}::timestamptz + CASE WHEN m.too_many THEN interval '1 hour' ELSE interval '0' END,
      ${at}::timestamptz
    FROM json_to_recordset(${JSON.stringify(deliverables)}::json) AS d(
      "userId" uuid, "eventId" text, kind text, channel text, enabled boolean, locked boolean, content jsonb,
      summary jsonb)
    CROSS JOIN LATERAL (SELECT d.channel = 'email' AND NOT d.locked AND EXISTS (
      SELECT FROM deliveries e WHERE e.user_id = d."userId" AND e.channel = 'email'
        AND e.created_at >= ${hour}::timestamptz
      OFFSET ${mostMailsAnHour}::int - 1) AS too_many) m
    LEFT JOIN preferences p ON p.user_id = d."userId" AND p.kind = d.kind AND p.channel = d.channel
      AND NOT d.locked
    LEFT JOIN user_copies u ON u.id = d."userId"
    LEFT JOIN push_subscriptions s ON d.channel = 'push' AND s.user_id = d."userId"
    WHERE coalesce(p.enabled, d.enabled) AND (d.channel <> 'push' OR s.id IS NOT NULL)
      AND (d.channel <> 'email' OR u.email_verified IS DISTINCT FROM false)
      AND NOT EXISTS (
        SELECT FROM deliveries w WHERE w.channel = 'push' AND w.target = s.id::text AND w.settled_at IS NULL
        OFFSET CASE WHEN s.proven THEN ${mostWaiting.proven}::int ELSE ${mostWaiting.unproven}::int END - 1)
    ON CONFLICT DO NOTHING`;
}

/** A mail without a notification, to its own address. */
export interface DirectMail {
  userId: string;
  eventId: string;
  kind: string;
  address: string;
  content: MailContent;
}

/**
 * Writes the mail once per event. Its own address puts it before all other mails. It is due since yesterday, which puts
 * it before mails of its kind that have failed.
 */
export async function writeDirectMail(
  db: NotificationDb,
  { userId, eventId, kind, address, content }: DirectMail,
  { at, giveUpAt }: { at: Date; giveUpAt: Date },
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO deliveries (id, user_id, event_id, kind, channel, target, address, content, due_at, give_up_at,
      created_at)
    VALUES (${uuidv7()}::uuid, ${userId}::uuid, ${eventId}, ${kind}, 'email', '', ${address},
      ${JSON.stringify(content)}::jsonb, now() - interval '1 day', ${giveUpAt}::timestamptz, ${at}::timestamptz)
    ON CONFLICT DO NOTHING`;
}
