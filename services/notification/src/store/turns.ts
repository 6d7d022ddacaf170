import type { OutsideChannel } from '@warren/notification-contract';
import type { FairShare } from '../domain/fair-share.js';
import { Prisma } from '../generated/prisma/client.js';

/** How many times as many are looked at as can be taken: many may be one person's. */
const lookAhead = 10;

/** What somebody waits for precedes all else; among equals the longest due. */
const inTurn = Prisma.raw('is_awaited DESC, due_at, id');

/**
 * Only what has an address of its own is awaited, and for its first tries: addresses that take nothing, be they ever so
 * many, must not keep all other mail back. As the index has it.
 */
const canWait = Prisma.raw('(d.address IS NULL OR d.attempts >= 5)');

/**
 * The deliveries of a channel whose turn it is, as common table expressions, the last of them `due (id, trial_origin)`:
 * at most `limit`, one of a person, one of what is on trial at an origin. They are locked, and those that others have
 * locked left out.
 */
export function whoseTurn(channel: OutsideChannel, { limit, share }: { limit: number; share: FairShare }) {
  return Prisma.sql`
    waiting AS (${waiting(channel, share, limit * lookAhead)}),
    ranked AS (${ranked}),
    first AS (${first}),
    due AS (
      SELECT id, trial_origin FROM first WHERE trial_origin IS NULL OR trials <= ${share.trialsLeft}::int
      ORDER BY ${inTurn} LIMIT ${limit}::int
    )`;
}

/** Due, and neither of a busy person nor on trial where trials have no room. What is not on trial has no origin. */
const waiting = (channel: OutsideChannel, { busyUsers, busyOrigins, trialsLeft }: FairShare, most: number) =>
  Prisma.sql`
    SELECT d.id, d.user_id, NOT ${canWait} AS is_awaited, d.due_at, s.trial_origin
    FROM deliveries d LEFT JOIN LATERAL (
      SELECT origin AS trial_origin FROM push_subscriptions s
      WHERE s.id = nullif(d.target, '')::uuid AND s.user_id = d.user_id AND (NOT s.proven OR s.failures > 0)
    ) s ON true
    WHERE d.channel = ${channel} AND d.settled_at IS NULL AND d.due_at <= now()
      AND d.user_id <> ALL(${busyUsers}::uuid[])
      AND (s.trial_origin IS NULL
        OR (${trialsLeft}::int > 0 AND s.trial_origin <> ALL(${busyOrigins}::text[])))
    ORDER BY ${canWait}, d.due_at LIMIT ${most}::int FOR UPDATE OF d SKIP LOCKED`;

/** Which of its person's each is, and which of those on trial at its origin. */
const ranked = Prisma.sql`
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY ${inTurn}) AS of_user,
    row_number() OVER (PARTITION BY trial_origin ORDER BY ${inTurn}) AS of_origin
  FROM waiting`;

/** One of a person, one of what is on trial at an origin, each with how many trials there are up to it. */
const first = Prisma.sql`
  SELECT *, count(trial_origin) OVER (ORDER BY ${inTurn}) AS trials
  FROM ranked WHERE of_user = 1 AND (trial_origin IS NULL OR of_origin = 1)`;
