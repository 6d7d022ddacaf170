/** A server that the tests may use. */
export interface StartedServer {
  /** Which server it is and how it was found, for the test run's output. */
  description: string;
  /** The variables that tell the tests its address. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** A server cannot be provided in one way; the message says why. The next way is tried. */
export class NotAvailable extends Error {
  override readonly name = 'NotAvailable';
}

/** The first line of an error's message. */
export function brief(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split('\n')[0] ?? '';
}
