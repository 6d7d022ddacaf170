import { withFallback } from '@warren/timing';
import type { FastifyInstance } from 'fastify';

/** An instance with a `degraded` check serves requests; one with a `failed` check can't. */
export type CheckResult = 'ok' | 'degraded' | 'failed';
/** Everybody can read `detail`, so it names no user, address or queue. */
export type CheckAnswer = CheckResult | { result: CheckResult; detail: string };
export type Checks = Readonly<Record<string, () => CheckAnswer | Promise<CheckAnswer>>>;

export interface Health {
  status: 'ok' | 'degraded' | 'unready';
  checks: Record<string, CheckResult>;
  /** The details of the checks that have some. */
  details?: Record<string, string>;
}

/** Milliseconds that a check may take. */
const checkTimeout = 2_000;

/** Whether this instance can serve. While it starts or drains it can't, whatever its checks say. */
export class Readiness {
  readonly #checks: Checks;
  #starting = true;
  #draining = false;

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  /** The instance listens, and consumes or waits for the broker. */
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
    const common = { checks, ...(Object.keys(details).length > 0 && { details }) };
    if (this.#starting) return { status: 'unready', ...common, checks: { ...checks, starting: 'failed' } };
    if (this.#draining) return { status: 'unready', ...common, checks: { ...checks, draining: 'failed' } };
    if (results.includes('failed')) return { status: 'unready', ...common };
    return { status: results.includes('degraded') ? 'degraded' : 'ok', ...common };
  }
}

/** `/health/live` shows that the event loop runs. `/health/ready` answers 503 while this instance should get no traffic. */
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
