import type { Try } from './insist.js';

export interface Call {
  method: 'POST' | 'PATCH';
  url: string;
  body: unknown;
  token?: string;
  idempotencyKey?: string;
}

/** Longer than the services take at most when all is well. */
const answerWithinMs = 8_000;

/** One HTTP request. Lost connections, time-outs and problems that say so are temporary. */
export async function call<T>({ method, url, body, token, idempotencyKey }: Call): Promise<Try<T>> {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const text = await response.text();
    if (response.ok) return { kind: 'accepted', value: JSON.parse(text) as T };
    return refusalOf(response.status, text);
  } catch (error) {
    return { kind: 'again', why: reasonOf(error) };
  }
}

function refusalOf(status: number, text: string): Try<never> {
  const { code, temporary } = problemOf(text);
  const why = `${status} ${code ?? text.slice(0, 200)}`;
  // Without a problem it wasn't one of ours that answered.
  return { kind: (temporary ?? status >= 500) ? 'again' : 'refused', why };
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
