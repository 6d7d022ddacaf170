import { setMaxListeners } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkAll } from './checks/index.js';
import { Crowd } from './crowd/crowd.js';
import { readTables } from './evidence/databases.js';
import type { Evidence } from './evidence/evidence.js';
import { isDead, isRetry, readQueues, takeLetters } from './evidence/queues.js';
import { Injector } from './faults/injector.js';
import { Ledger } from './ledger.js';
import { planActions } from './plan/actions.js';
import { planFaults } from './plan/faults.js';
import { type Report, reportOf } from './report.js';
import { settle } from './settle.js';
import { System } from './system/system.js';

export interface RunOptions {
  seed: number;
  /** How long people act and faults happen. */
  durationMs: number;
  faults: number;
  actionsPerSecond: number;
  /** The number of people who register at the start. */
  people: number;
  /** How long all work may take to finish after the last fault. */
  settleMs: number;
  /** The folder for logs, plan, ledger and report. */
  folder: string;
  say(line: string): void;
  /** Ends the run early and without a report. */
  stop?: AbortSignal;
}

/** Performs one run. All processes that it started have ended when it resolves or rejects. */
export async function run(options: RunOptions): Promise<Report> {
  const { seed, durationMs, folder, say } = options;
  const stop = options.stop ?? new AbortController().signal;
  await mkdir(folder, { recursive: true });
  const plan = {
    faults: planFaults(seed, durationMs, options.faults),
    actions: planActions({
      seed,
      durationMs,
      perSecond: options.actionsPerSecond,
      people: options.people,
    }),
  };
  await save(folder, 'plan.json', plan);
  say(
    `seed ${seed}: ${plan.faults.length} faults and ${plan.actions.length} actions in ${durationMs / 1_000} s`,
  );
  const system = await System.start(folder);
  try {
    stop.throwIfAborted();
    say(`RabbitMQ ${system.broker.version}, ${system.postgres.description}, two instances of each service`);
    return await drive(system, plan, { ...options, stop });
  } finally {
    await system.close();
  }
}

interface Plan {
  faults: ReturnType<typeof planFaults>;
  actions: ReturnType<typeof planActions>;
}

async function drive(
  system: System,
  plan: Plan,
  { seed, settleMs, folder, say, stop }: RunOptions & { stop: AbortSignal },
): Promise<Report> {
  const ledger = new Ledger();
  const over = new AbortController();
  setMaxListeners(0, over.signal, stop); // Every action that waits for an answer adds a listener.
  const crowd = new Crowd({ url: (service) => system.url(service), ledger, over: over.signal });
  const injector = new Injector(system, ledger, say);
  try {
    await Promise.all([crowd.act(plan.actions, stop), injector.inject(plan.faults, stop)]);
    stop.throwIfAborted();
    say('ending all faults, then waiting until all work is finished …');
    const unhealed = await system.heal().then(
      () => [],
      (error: Error) => [`the faults could not be ended: ${error.message}`],
    );
    const healedAt = ledger.now();
    const ongoing = [
      ...unhealed,
      ...(await settle({ system, crowd, ledger, timeoutMs: settleMs, say, stop })),
    ];
    const quietAfterMs = ledger.now() - healedAt;
    over.abort();
    await crowd.answered();
    await crowd.leave();
    const evidence = await collectEvidence(system, ledger, ongoing);
    const report = reportOf({
      seed,
      folder,
      ledger,
      injector,
      quietAfterMs,
      results: checkAll(evidence),
    });
    await saveResults(folder, ledger, injector, report, evidence);
    return report;
  } finally {
    over.abort();
    await crowd.leave();
  }
}

async function collectEvidence(
  system: System,
  ledger: Ledger,
  ongoing: readonly string[],
): Promise<Evidence> {
  const { broker, instances } = system;
  const tables = await readTables(system.databases);
  const queues = await readQueues(broker.url, broker.management);
  const names = Object.keys(queues).filter((name) => isDead(name) || isRetry(name));
  const letters = await takeLetters(broker.url, names);
  const badEnds = instances.flatMap((instance) => instance.badEnds);
  const { actions, clients, planted } = ledger;
  return { ...tables, queues, letters, badEnds, actions, clients, planted, ongoing };
}

async function saveResults(
  folder: string,
  { actions, clients, planted }: Ledger,
  { done }: Injector,
  report: Report,
  evidence: Evidence,
): Promise<void> {
  await save(folder, 'ledger.json', { actions, planted, faults: done });
  await save(folder, 'clients.json', clients);
  await save(folder, 'report.json', report);
  if (!report.passed) await save(folder, 'evidence.json', { ...evidence, actions: [], clients: [] });
}

async function save(folder: string, name: string, value: unknown): Promise<void> {
  await writeFile(join(folder, name), `${JSON.stringify(value, undefined, 1)}\n`);
}
