import { brokerNames, deadLetterHeader } from '@warren/event-bus';
import { v7 as uuidv7 } from 'uuid';
import type { Bench } from '../../../event-bus/test/support/rabbitmq.js';

const { deadQueue, eventsQueue, failuresExchange } = brokerNames();

export interface Letter {
  id: string;
  type?: string;
  reason?: string;
  error?: string;
  /** Days since it happened and failed. Default 0. */
  daysOld?: number;
  replayId?: string;
}

/** Ids whose time is `daysOld` days ago. */
export function idOf(daysOld = 0): string {
  return uuidv7({ msecs: Date.now() - daysOld * 86_400_000 });
}

/** As the service would put them there. */
export async function put(bench: Bench, service: string, letters: readonly Letter[]): Promise<void> {
  for (const {
    id,
    type = 'user.updated',
    reason = 'permanent',
    error = 'no',
    daysOld = 0,
    replayId,
  } of letters) {
    const time = new Date(Date.now() - daysOld * 86_400_000);
    const body = { id, type, time: time.toISOString(), data: {}, ...(replayId && { replayid: replayId }) };
    bench.raw.publish(failuresExchange(service), deadQueue(service), Buffer.from(JSON.stringify(body)), {
      persistent: true,
      userId: bench.user,
      messageId: id,
      type,
      headers: {
        [deadLetterHeader.reason]: reason,
        [deadLetterHeader.attempts]: 1,
        [deadLetterHeader.firstFailedAt]: time.toISOString(),
        [deadLetterHeader.errorMessage]: error,
        [deadLetterHeader.errorStack]: `Error: ${error}\n    at somewhere`,
      },
    });
  }
  await bench.raw.waitForConfirms();
}

export async function waiting(bench: Bench, service: string): Promise<{ events: number; dead: number }> {
  const [events, dead] = await Promise.all([
    bench.raw.checkQueue(eventsQueue(service)),
    bench.raw.checkQueue(deadQueue(service)),
  ]);
  return { events: events.messageCount, dead: dead.messageCount };
}
