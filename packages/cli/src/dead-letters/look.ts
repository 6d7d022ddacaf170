import { Failure } from '../errors.js';
import type { Io } from '../io.js';
import { withLetters } from './hold.js';
import type { ReadOptions, SelectOptions } from './options.js';
import { asJson, asPage, asTable } from './view.js';

export async function list(io: Io, options: SelectOptions): Promise<void> {
  const letters = await withLetters(io, options, async (held) => held.letters);
  if (options.json) for (const letter of letters) io.out(JSON.stringify(asJson(letter)));
  else io.out(letters.length > 0 ? asTable(letters) : 'no dead letters');
}

export async function show(io: Io, id: string, options: ReadOptions): Promise<void> {
  const [letter, text] = await withLetters(io, { ...options, id: [id], limit: 1 }, async (held) => {
    const [found] = held.letters;
    if (!found) throw new Failure(`no dead letter ${id} among the ${held.looked} that were looked at`);
    return [found, held.bodyOf(found)] as const;
  });
  const body = parsed(text);
  if (options.json) io.out(JSON.stringify({ ...asJson(letter), stack: letter.stack ?? null, body }));
  else io.out(asPage(letter, body));
}

/** As text where it isn't JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
