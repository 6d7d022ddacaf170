import type { DeadLetterMessage } from '@warren/event-bus';
import { ago, oneLine, printable, table } from '../text.js';

/** Seconds since it first failed. */
function ageOf({ firstFailedAt }: DeadLetterMessage): number | null {
  return firstFailedAt === undefined ? null : Math.round((Date.now() - Date.parse(firstFailedAt)) / 1_000);
}

/** As JSON shows it: what isn't known is `null`. */
export function asJson(letter: DeadLetterMessage): Record<string, unknown> {
  const { id, type, reason, attempts, firstFailedAt, publishedAt, producer, error, bytes } = letter;
  return {
    id,
    type,
    reason,
    attempts,
    firstFailedAt: firstFailedAt ?? null,
    ageSeconds: ageOf(letter),
    publishedAt: publishedAt ?? null,
    producer: producer ?? null,
    error: error ?? null,
    bytes,
  };
}

export function asTable(letters: readonly DeadLetterMessage[]): string {
  const rows = letters.map((letter) => {
    const age = ageOf(letter);
    return [
      oneLine(letter.id, 64) || '(none)',
      oneLine(letter.type, 64),
      oneLine(letter.reason, 32),
      letter.attempts,
      letter.firstFailedAt ?? '-',
      age === null ? '-' : ago(age),
      oneLine(letter.error ?? '', 80),
    ];
  });
  return table(['id', 'type', 'reason', 'attempts', 'first failed', 'age', 'error'], rows);
}

export function asPage(letter: DeadLetterMessage, body: unknown): string {
  const facts = Object.entries(asJson(letter)).map(([name, value]) => [
    name,
    printable(String(value ?? '-')),
  ]);
  const shown = typeof body === 'string' ? printable(body) : JSON.stringify(body, undefined, 2);
  return `${table(['dead letter', ''], facts)}\n\n${printable(letter.stack ?? 'no stack')}\n\n${shown}`;
}
