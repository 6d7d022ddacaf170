import type { FastifyInstance } from 'fastify';
import { withFallback } from '../with-fallback.js';

/** `degraded` still serves; `failed` can't. */
export type CheckResult = 'ok' | 'degraded' | 'failed';
/** `detail` is for everybody who can ask: it names no user, address or queue. */
export type CheckAnswer = CheckResult | { result: CheckResult; detail: string };
export type Checks = Readonly<Record<string, () => CheckAnswer | Promise<CheckAnswer>>>;

export interface Health {
  status: 'ok' | 'degraded' | 'unready';
  checks: Record<string, CheckResult>;
  /** Why, for checks that say it. */
  details?: Record<string, string>;
}

/** Milliseconds after which a check that gives no answer has failed. */
const checkTimeout = 2_000;

/** Whether this instance can serve. One that starts or drains can't, whatever its checks say. */
export class Readiness {
  readonly #checks: Checks;
  #starting = true;
  #draining = false;

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  /** The doors are open, and the queue is bound or waits for the broker to come back. */
  started(): void {
    this.#starting = false;
  }

  startDraining(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async read(): Promise<Health> {
    const checks: Record<string, CheckResult> = {};
    const details: Record<string, string> = {};
    await Promise.all(
      Object.entries(this.#checks).map(async ([name, check]) => {
        checks[name] = 'failed';
        const answer = await bounded(check);
        checks[name] = typeof answer === 'string' ? answer : answer.result;
        if (typeof answer !== 'string') details[name] = answer.detail;
      }),
    );
    const results = Object.values(checks);
    const told = { checks, ...(Object.keys(details).length > 0 && { details }) };
    if (this.#starting) return { status: 'unready', ...told, checks: { ...checks, starting: 'failed' } };
    if (this.#draining) return { status: 'unready', ...told, checks: { ...checks, draining: 'failed' } };
    if (results.includes('failed')) return { status: 'unready', ...told };
    return { status: results.includes('degraded') ? 'degraded' : 'ok', ...told };
  }
}

/** `/health/live` says that the event loop turns; `/health/ready` answers 503 where traffic should stay away. */
export function useHealth(http: FastifyInstance, readiness: Readiness): void {
  const options = { schema: { hide: true }, config: { unlimited: true }, logLevel: 'warn' } as const;
  http.get('/health/live', options, async () => ({ status: 'ok' }));
  http.get('/health/ready', options, async (_request, reply) => {
    const health = await readiness.read();
    return await reply
      .code(health.status === 'unready' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(health);
  });
}

async function bounded(check: () => CheckAnswer | Promise<CheckAnswer>): Promise<CheckAnswer> {
  try {
    return await withFallback(Promise.resolve(check()), checkTimeout, 'failed');
  } catch {
    return 'failed';
  }
}
