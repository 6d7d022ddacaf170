import { answering } from '../processes/answering.js';
import { processorMs } from '../processes/serving.js';
import { quantile } from '../stats.js';
import { closedLoop, openLoop } from './loops.js';
import type { ClosedLoopResult, DriverQuestions, OpenLoopResult, Target } from './questions.js';
import { Session } from './session.js';

const sessions = new Map<string, Session>();

answering({
  connect: async (target: Target) => {
    const session = new Session(target);
    sessions.set(target.name, session);
    await session.connect();
  },

  'open-loop': async ({ system, rate, seconds }: DriverQuestions['open-loop']): Promise<OpenLoopResult> => {
    const session = sessionOf(system);
    const cpuBefore = processorMs();
    const latencies = await openLoop(() => session.pay(), rate, seconds);
    session.ledger.verify();
    return {
      events: latencies.length,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      driverMs: processorMs() - cpuBefore,
    };
  },

  'closed-loop': async (input: DriverQuestions['closed-loop']): Promise<ClosedLoopResult> => {
    const session = sessionOf(input.system);
    const cpuBefore = processorMs();
    const { events, elapsedMs } = await closedLoop(() => session.pay(), input.concurrency, input.seconds);
    session.ledger.verify();
    return { events, perSecond: (events * 1000) / elapsedMs, driverMs: processorMs() - cpuBefore };
  },

  /** Verifies that no duplicate arrived late. Returns the number of payments that were delivered exactly once. */
  finish: async (system: string): Promise<number> => {
    const session = sessionOf(system);
    session.ledger.verify();
    session.close();
    return session.ledger.completed;
  },
});

process.once('SIGTERM', () => process.exit(0));

function sessionOf(system: string): Session {
  const session = sessions.get(system);
  if (!session) throw new Error(`not connected to ${system}`);
  return session;
}
