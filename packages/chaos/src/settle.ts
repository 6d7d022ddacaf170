import { setTimeout as pause } from 'node:timers/promises';
import type { Crowd } from './crowd/crowd.js';
import { type Activity, readActivity } from './evidence/databases.js';
import { isDead, isRetry, readQueues } from './evidence/queues.js';
import type { Ledger } from './ledger.js';
import { services } from './services.js';
import type { System } from './system/system.js';

const askEveryMs = 1_000;
const tellEveryMs = 5_000;

export interface SettleOptions {
  system: System;
  crowd: Crowd;
  ledger: Ledger;
  /** How long it may take. */
  withinMs: number;
  say(line: string): void;
  /** Ends the wait by a rejection. */
  stop: AbortSignal;
}

/**
 * Waits until nothing is going on any more, seen twice in a row. Resolves to what still was when time is up; that is
 * empty if it became quiet.
 */
export async function settle({
  system,
  crowd,
  ledger,
  withinMs,
  say,
  stop,
}: SettleOptions): Promise<string[]> {
  const deadline = Date.now() + withinMs;
  let quietBefore = false;
  let toldAt = 0;
  for (;;) {
    const unrest = await unrestOf(system, crowd, ledger).catch((error: Error) => [
      `the servers can't be asked: ${error.message}`,
    ]);
    if (unrest.length === 0 && quietBefore) return [];
    quietBefore = unrest.length === 0;
    if (Date.now() > deadline) return unrest;
    if (!quietBefore && Date.now() - toldAt > tellEveryMs) {
      say(`  waiting: ${briefly(unrest)}`);
      toldAt = Date.now();
    }
    await pause(askEveryMs, undefined, { signal: stop });
  }
}

function briefly(unrest: readonly string[]): string {
  const more = unrest.length > 4 ? `; ${unrest.length - 4} more` : '';
  return `${unrest.slice(0, 4).join('; ')}${more}`;
}

async function unrestOf(system: System, crowd: Crowd, ledger: Ledger): Promise<string[]> {
  const { broker } = system;
  const activity = await readActivity(system.databases);
  const queues = await readQueues(broker.url, broker.management);
  return [
    ...(crowd.waiting > 0 ? [`${crowd.waiting} actions without an answer`] : []),
    ...databaseUnrest(activity),
    ...queueUnrest(queues, ledger),
    ...clientUnrest(crowd, activity),
  ];
}

function databaseUnrest({ unpublished, openOperations, unhandled }: Activity): string[] {
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

/** A planted event of an unknown type goes through all delays: it may wait in a retry queue, or in turn. */
function queueUnrest(queues: Record<string, number>, { planted }: Ledger): string[] {
  const unknown = planted.filter(({ what }) => what === 'unknown-type').length;
  return Object.entries(queues).flatMap(([name, count]) => {
    if (isDead(name) || (isRetry(name) && count <= unknown)) return [];
    return count > 0 ? [`${count} in ${name}`] : [];
  });
}

function clientUnrest(crowd: Crowd, { heads }: Activity): string[] {
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
