import type { FeedEntry, RawClient } from '../api.js';
import type { EntityEpoch } from '../epoch/epochs.js';
import { isLostRace, LostRace } from '../failures.js';
import { encodeCursor } from '../feed/cursor.js';
import { insertRecord } from '../once/record.js';
import { damaged, type Schema } from '../schema/schema.js';
import type { Effects, Marks, NewOutboxRow, PendingEntry } from './effects.js';

/** A user's counter after this transaction, and the feed's own epoch. */
type Head = [userId: string, seq: number, feedEpoch: number];

interface FinalRow {
  epoch: string;
  heads: Head[] | null;
}

/** Adds a value to the statement and returns its placeholder. */
type Bind = (value: unknown) => string;

/**
 * Writes everything that was collected with one statement, which is sent together with COMMIT, so that counter rows are
 * locked as briefly as possible. Counters are locked in sorted order, so that no two transactions wait for each other. All
 * drivers can send arrays of text, so values are sent as such and cast here. Sends nothing if nothing was collected.
 *
 * `claimMs`: for how long the new outbox rows belong to the relay of this process; with 0 any relay may claim them.
 *
 * Returns the feed entries with their numbers. Throws `LostRace` if another transaction has handled the same work, or if
 * an epoch began that the events don't carry; then `epoch` is set to it.
 */
export async function commitEffects(
  db: RawClient,
  schema: Schema,
  effects: Effects,
  epoch: EntityEpoch,
  claimMs: number,
): Promise<FeedEntry[]> {
  const { events, entries, marks } = effects;
  const time = new Date().toISOString();
  const behind = placesBehindHead(entries);
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;

  const parts: string[] = [];
  if (entries.length > 0)
    parts.push(headsPart(schema, entries, bind), entriesPart(schema, entries, behind, time, bind));
  if (entries.some(({ personal }) => personal)) parts.push(personalPart(schema, entries, behind, bind));
  if (events.length > 0) parts.push(outboxPart(schema, events, claimMs, bind));
  if (marks.inbox) parts.push(inboxPart(schema, marks.inbox.consumer, marks.inbox.eventIds, bind));
  if (marks.finished) parts.push(finishedPart(schema, marks.finished, bind));
  if (marks.record) parts.push(`recorded AS (${insertRecord(schema, marks.record, bind)})`);
  if (parts.length === 0) return [];

  const heads =
    entries.length > 0 ? '(SELECT json_agg(json_build_array(user_id, seq, epoch)) FROM heads)' : 'NULL::json';
  const sql = `WITH ${parts.join(',\n')}
SELECT epoch, ${heads} AS heads, CASE
  WHEN epoch IS NULL THEN ${schema}.ensure(false, '${metaEmpty}')
  ELSE ${conditions(schema, effects, bind).join(' AND ') || 'true'}
END AS holds
FROM (SELECT) AS always LEFT JOIN ${schema}.meta ON true`;
  const sent = db.$commitWith?.<FinalRow>(sql, values) ?? db.$queryRawUnsafe<FinalRow[]>(sql, ...values);
  const [row] = await sent.catch((error: unknown) => {
    throw isLostRace(error) ? failureOf(error, epoch) : error;
  });
  if (!row) throw damaged();
  return numbered(entries, behind, time, row);
}

const epochBegan = 'an epoch began meanwhile';
const metaEmpty = 'the table meta is empty';

/** What must hold for the transaction to commit. */
function conditions(schema: Schema, { events, entityEpoch, marks }: Effects, bind: Bind): string[] {
  const all: string[] = [];
  if (events.length > 0) {
    const holds = `entity_epoch = ${bind(entityEpoch)}::int`;
    all.push(`${schema}.ensure(${holds}, '${epochBegan}', entity_epoch::text)`);
  }
  if (marks.inbox) {
    const holds = `(SELECT count(*) FROM handled) = ${bind(marks.inbox.eventIds.length)}::int`;
    all.push(`${schema}.ensure(${holds}, 'an event was handled elsewhere meanwhile')`);
  }
  if (marks.record) {
    const holds = 'EXISTS (SELECT FROM recorded)';
    all.push(`${schema}.ensure(${holds}, 'the operation was recorded elsewhere meanwhile')`);
  }
  return all;
}

function failureOf(error: { message: string; detail?: string }, epoch: EntityEpoch): Error {
  if (error.message === metaEmpty) return damaged();
  if (error.message === epochBegan) epoch.current = Number(error.detail);
  return new LostRace(error.message, { cause: error });
}

/** How many entries of the same user come after each one in this transaction. */
function placesBehindHead(entries: readonly PendingEntry[]): number[] {
  const seen = new Map<string, number>();
  const places = entries.toReversed().map(({ userId }) => {
    const place = seen.get(userId) ?? 0;
    seen.set(userId, place + 1);
    return place;
  });
  return places.reverse();
}

function headsPart(schema: Schema, entries: readonly PendingEntry[], bind: Bind): string {
  const counts = new Map<string, number>();
  for (const { userId } of entries) counts.set(userId, (counts.get(userId) ?? 0) + 1);
  const users = [...counts.keys()].sort();
  const taken = users.map((user) => String(counts.get(user)));
  return `heads AS (
  INSERT INTO ${schema}.feed_head AS h (user_id, seq)
  SELECT * FROM unnest(${bind(users)}::text[], ${bind(taken)}::bigint[])
  ON CONFLICT (user_id) DO UPDATE SET seq = h.seq + excluded.seq
  RETURNING user_id, seq, epoch
)`;
}

function entriesPart(
  schema: Schema,
  entries: readonly PendingEntry[],
  behind: number[],
  time: string,
  bind: Bind,
): string {
  return `entries AS (
  INSERT INTO ${schema}.feed (user_id, seq, type, id, time, data)
  SELECT e.user_id, h.seq - e.behind, e.type, e.id, ${bind(time)}::timestamptz, e.data
  FROM unnest(
    ${bind(entries.map((entry) => entry.userId))}::text[], ${bind(behind.map(String))}::bigint[],
    ${bind(entries.map((entry) => entry.type))}::text[], ${bind(entries.map((entry) => entry.id))}::uuid[],
    ${bind(entries.map((entry) => entry.data))}::json[]
  ) AS e (user_id, behind, type, id, data) JOIN heads h USING (user_id)
)`;
}

/** `seq` is computed as in `entriesPart`. */
function personalPart(
  schema: Schema,
  entries: readonly PendingEntry[],
  behind: number[],
  bind: Bind,
): string {
  const rows = entries.flatMap(({ userId, personal }, index) =>
    personal
      ? [{ userId, behind: String(behind[index] ?? 0), person: personal.userId, fields: personal.fields }]
      : [],
  );
  const column = (of: (row: (typeof rows)[number]) => string) => bind(rows.map(of));
  return `personal AS (
  INSERT INTO ${schema}.feed_personal (user_id, seq, person, fields)
  SELECT p.user_id, h.seq - p.behind, p.person, string_to_array(p.fields, ',')
  FROM unnest(
    ${column((row) => row.userId)}::text[], ${column((row) => row.behind)}::bigint[],
    ${column((row) => row.person)}::text[], ${column((row) => row.fields.join(','))}::text[]
  ) AS p (user_id, behind, person, fields) JOIN heads h USING (user_id)
)`;
}

/** The lease begins now and not at `now()`, which is when the transaction began. */
function outboxPart(schema: Schema, events: readonly NewOutboxRow[], claimMs: number, bind: Bind): string {
  return `outbox AS (
  INSERT INTO ${schema}.outbox (id, type, body, about, confidential, claimed_until)
  SELECT id, type, body, about, confidential, ${claimMs > 0 ? `clock_timestamp() + ${bind(claimMs)}::int * interval '1 ms'` : 'now()'}
  FROM unnest(
    ${bind(events.map((event) => event.id))}::uuid[], ${bind(events.map((event) => event.type))}::text[],
    ${bind(events.map((event) => event.body))}::text[], ${bind(events.map((event) => event.about ?? null))}::text[],
    ${bind(events.map((event) => event.confidential))}::boolean[]
  ) AS e (id, type, body, about, confidential)
)`;
}

function inboxPart(schema: Schema, consumer: string, eventIds: readonly string[], bind: Bind): string {
  return `handled AS (
  INSERT INTO ${schema}.inbox (consumer, event_id)
  SELECT ${bind(consumer)}, id FROM unnest(${bind([...eventIds].sort())}::text[]) AS id
  ON CONFLICT DO NOTHING RETURNING 1
)`;
}

function finishedPart(
  schema: Schema,
  { consumer, suspect }: NonNullable<Marks['finished']>,
  bind: Bind,
): string {
  return `finished AS (
  DELETE FROM ${schema}.suspect WHERE consumer = ${bind(consumer)} AND event_id = ${bind(suspect)}
)`;
}

function numbered(
  entries: readonly PendingEntry[],
  behind: number[],
  time: string,
  row: FinalRow,
): FeedEntry[] {
  if (entries.length === 0) return [];
  const heads = new Map(row.heads?.map(([userId, ...head]) => [userId, head]));
  return entries.map(({ userId, type, id, data }, index) => {
    const [last = 0, feed = 0] = heads.get(userId) ?? [];
    const seq = last - (behind[index] ?? 0);
    const cursor = encodeCursor(userId, { epoch: { database: row.epoch, feed }, seq });
    return { userId, seq, cursor, type, id, time, data: JSON.parse(data) };
  });
}
