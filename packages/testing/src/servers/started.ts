/** A server that the tests may use. */
export interface Started {
  /** Where it is, and how it came to be there: for the person who reads the output. */
  what: string;
  /** Variables that lead the tests to it. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** This way isn't possible here; the message says why, and the next one is tried. */
export class NotHere extends Error {
  override readonly name = 'NotHere';
}

/** One line of an error, for sentences made of several. */
export function brief(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split('\n')[0] ?? '';
}
