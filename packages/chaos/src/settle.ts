import { setTimeout as pause } from 'node:timers/promises';
import type { Crowd } from './crowd/crowd.js';
import { type Activity, readActivity } from './evidence/databases.js';
import { isDead, isRetry, readQueues } from './evidence/queues.js';
import type { Ledger } from './ledger.js';
import { services } from './services.js';
import type { System } from './system/system.js';

const pollMs = 1_000;
const reportMs = 5_000;

export interface SettleOptions {
  system: System;
  crowd: Crowd;
  ledger: Ledger;
  timeoutMs: number;
  say(line: string): void;
  /** When aborted, `settle` rejects. */
  stop: AbortSignal;
}

/**
 * Waits until all work is finished in two consecutive polls. Resolves to the unfinished work after the timeout, or to
 * an empty list.
 */
export async function settle({
  system,
  crowd,
  ledger,
  timeoutMs,
  say,
  stop,
}: SettleOptions): Promise<string[]> {
  const deadline = Date.now() + timeoutMs;
  let quietBefore = false;
  let reportedAt = 0;
  for (;;) {
    const ongoing = await ongoingIn(system, crowd, ledger).catch((error: Error) => [
      `the servers do not answer: ${error.message}`,
    ]);
    if (ongoing.length === 0 && quietBefore) return [];
    quietBefore = ongoing.length === 0;
    if (Date.now() > deadline) return ongoing;
    if (!quietBefore && Date.now() - reportedAt > reportMs) {
      say(`  waiting: ${summaryOf(ongoing)}`);
      reportedAt = Date.now();
    }
    await pause(pollMs, undefined, { signal: stop });
  }
}

function summaryOf(ongoing: readonly string[]): string {
  const more = ongoing.length > 4 ? `; ${ongoing.length - 4} more` : '';
  return `${ongoing.slice(0, 4).join('; ')}${more}`;
}

async function ongoingIn(system: System, crowd: Crowd, ledger: Ledger): Promise<string[]> {
  const { broker } = system;
  const activity = await readActivity(system.databases);
  const queues = await readQueues(broker.url, broker.management);
  return [
    ...(crowd.waiting > 0 ? [`${crowd.waiting} actions without an answer`] : []),
    ...databaseActivity(activity),
    ...queueActivity(queues, ledger),
    ...clientActivity(crowd, activity),
  ];
}

function databaseActivity({ unpublished, openOperations, unhandled }: Activity): string[] {
  const [first] = unhandled;
  return [
    ...services.flatMap((service) =>
      unpublished[service] > 0 ? [`${unpublished[service]} unpublished in ${service}'s outbox`] : [],
    ),
    ...(openOperations > 0 ? [`${openOperations} provider calls open`] : []),
    ...(first
      ? [`${unhandled.length} events unhandled (${first.service}: ${first.type} ${first.eventId})`]
      : []),
  ];
}

/** A planted event of an unknown type is retried with all delays, so that retry queues may hold it. */
function queueActivity(queues: Record<string, number>, { planted }: Ledger): string[] {
  const unknown = planted.filter(({ what }) => what === 'unknown-type').length;
  return Object.entries(queues).flatMap(([name, count]) => {
    if (isDead(name) || (isRetry(name) && count <= unknown)) return [];
    return count > 0 ? [`${count} in ${name}`] : [];
  });
}

function clientActivity(crowd: Crowd, { heads }: Activity): string[] {
  const behind = crowd.people.flatMap((person) =>
    person.clients.filter(({ view, seen }) => {
      const head = heads[view.service].find(({ userId }) => userId === person.id)?.seq ?? 0;
      return seen !== head;
    }),
  );
  const [first] = behind;
  if (!first) return [];
  return [`${behind.length} clients not at their head (${first.view.name} at ${first.seen})`];
}
