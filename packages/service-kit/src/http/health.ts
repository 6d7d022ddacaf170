import type { FastifyInstance } from 'fastify';

/** `degraded` still serves; `failed` can't. */
export type CheckResult = 'ok' | 'degraded' | 'failed';
export type Checks = Readonly<Record<string, () => CheckResult | Promise<CheckResult>>>;

export interface Health {
  status: 'ok' | 'degraded' | 'unready';
  checks: Record<string, CheckResult>;
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
    const entries = Object.entries(this.#checks).map(
      async ([name, check]) => [name, await bounded(check)] as const,
    );
    const checks: Record<string, CheckResult> = Object.fromEntries(await Promise.all(entries));
    const results = Object.values(checks);
    if (this.#starting) return { status: 'unready', checks: { ...checks, starting: 'failed' } };
    if (this.#draining) return { status: 'unready', checks: { ...checks, draining: 'failed' } };
    if (results.includes('failed')) return { status: 'unready', checks };
    return { status: results.includes('degraded') ? 'degraded' : 'ok', checks };
  }
}

/** `/health/live` says that the event loop turns; `/health/ready` answers 503 where traffic should stay away. */
export function useHealth(http: FastifyInstance, readiness: Readiness): void {
  const options = { schema: { hide: true }, logLevel: 'warn' } as const;
  http.get('/health/live', options, async () => ({ status: 'ok' }));
  http.get('/health/ready', options, async (_request, reply) => {
    const health = await readiness.read();
    return await reply
      .code(health.status === 'unready' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(health);
  });
}

async function bounded(check: () => CheckResult | Promise<CheckResult>): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve('failed'), checkTimeout);
  });
  try {
    return await Promise.race([check(), timeout]);
  } catch {
    return 'failed';
  } finally {
    clearTimeout(timer);
  }
}
