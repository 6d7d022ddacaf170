import { answering } from '../processes/answering.js';
import { processorMs } from '../processes/serving.js';
import { quantile } from '../stats.js';
import { closedLoop, openLoop } from './loops.js';
import type { ClosedLoopResult, DriverQuestions, OpenLoopResult } from './questions.js';
import { Session } from './session.js';
import type { Target } from './target.js';

const sessions = new Map<string, Session>();

answering({
  connect: async (target: Target) => {
    const session = new Session(target);
    sessions.set(target.name, session);
    await session.connect();
  },

  'open-loop': async ({ system, rate, seconds }: DriverQuestions['open-loop']): Promise<OpenLoopResult> => {
    const session = of(system);
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
    const session = of(input.system);
    const cpuBefore = processorMs();
    const { events, elapsedMs } = await closedLoop(() => session.pay(), input.concurrency, input.seconds);
    session.ledger.verify();
    return { events, perSecond: (events * 1000) / elapsedMs, driverMs: processorMs() - cpuBefore };
  },

  /** Nothing more may come: a late double shows here. Answers how many payments were delivered, once each. */
  finish: async (system: string): Promise<number> => {
    const session = of(system);
    session.ledger.verify();
    session.close();
    return session.ledger.completed;
  },
});

process.once('SIGTERM', () => process.exit(0));

function of(system: string): Session {
  const session = sessions.get(system);
  if (!session) throw new Error(`not connected to ${system}`);
  return session;
}
