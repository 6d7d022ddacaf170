import type { DeadLetterMessage } from '@warren/event-bus';
import { Failure, type Io } from '../command.js';
import { ago, oneLine, printable, table } from '../text.js';
import { type ReadOptions, type SelectOptions, withLetters } from './select.js';

export async function list(io: Io, options: SelectOptions): Promise<void> {
  const letters = await withLetters(io, options, async (held) => held.letters);
  if (options.json) for (const letter of letters) io.out(JSON.stringify(asJson(letter)));
  else io.out(letters.length > 0 ? asTable(letters) : 'no dead letters');
}

export async function show(io: Io, id: string, options: ReadOptions): Promise<void> {
  const [letter, text] = await withLetters(io, { ...options, id: [id], limit: 1 }, async (held) => {
    const [found] = held.letters;
    if (!found) throw new Failure(`no dead letter ${id} among the ${held.looked} that were read`);
    return [found, held.bodyOf(found)] as const;
  });
  const body = parseBody(text);
  if (options.json) io.out(JSON.stringify({ ...asJson(letter), stack: letter.stack ?? null, body }));
  else io.out(asPage(letter, body));
}

/** The parsed body, or its text if it isn't JSON. */
function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Seconds since the letter first failed. */
function ageOf({ firstFailedAt }: DeadLetterMessage): number | null {
  return firstFailedAt === undefined ? null : Math.round((Date.now() - Date.parse(firstFailedAt)) / 1_000);
}

/** Unknown values are `null`. */
function asJson(letter: DeadLetterMessage): Record<string, unknown> {
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

function asTable(letters: readonly DeadLetterMessage[]): string {
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

function asPage(letter: DeadLetterMessage, body: unknown): string {
  const facts = Object.entries(asJson(letter)).map(([name, value]) => [
    name,
    printable(String(value ?? '-')),
  ]);
  const shown = typeof body === 'string' ? printable(body) : JSON.stringify(body, undefined, 2);
  return `${table(['dead letter', ''], facts)}\n\n${printable(letter.stack ?? 'no stack')}\n\n${shown}`;
}
