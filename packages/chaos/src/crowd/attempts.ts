import { setTimeout as pause } from 'node:timers/promises';
import type { Attempt, Ledger } from '../ledger.js';

/** The result of one attempt: a final answer, or `retry` if there is none or it is temporary. */
export type AttemptResult<T> =
  | { kind: 'accepted'; value: T }
  | { kind: 'refused'; reason: string }
  | { kind: 'retry'; reason: string };

/**
 * Repeats an attempt with growing pauses until there is a final answer, as a well-behaved client does. Records every
 * attempt. Resolves to `retry` only if the run is `over`.
 */
export async function retryUntilAnswered<T>(
  { ledger, over }: { ledger: Ledger; over: AbortSignal },
  attempts: Attempt[],
  attempt: () => Promise<AttemptResult<T>>,
): Promise<AttemptResult<T>> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 3_000)) {
    const result = await attempt();
    attempts.push({ at: ledger.now(), answer: result.kind === 'accepted' ? 'ok' : result.reason });
    if (result.kind !== 'retry' || over.aborted) return result;
    await pause(wait, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) return result;
  }
}

export interface Request {
  method: 'POST' | 'PATCH';
  url: string;
  body: unknown;
  token?: string;
  idempotencyKey?: string;
}

/** Longer than the services ever take while nothing is broken. */
export const answerTimeoutMs = 8_000;

/** Sends one HTTP request. Lost connections, time-outs and temporary problems result in `retry`. */
export async function send<T>({
  method,
  url,
  body,
  token,
  idempotencyKey,
}: Request): Promise<AttemptResult<T>> {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    const text = await response.text();
    if (response.ok) return { kind: 'accepted', value: JSON.parse(text) as T };
    return refusalOf(response.status, text);
  } catch (error) {
    return { kind: 'retry', reason: reasonOf(error) };
  }
}

function refusalOf(status: number, text: string): AttemptResult<never> {
  const { code, temporary } = problemOf(text);
  const reason = `${status} ${code ?? text.slice(0, 200)}`;
  // An answer without a problem document does not come from one of our services.
  return { kind: (temporary ?? status >= 500) ? 'retry' : 'refused', reason };
}

function problemOf(text: string): { code?: string; temporary?: boolean } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
