import type { Environment } from '@warren/service-kit/config';

/** What a command has to do with the world around it, apart from broker and database. */
export interface Io {
  readonly env: Environment;
  /** A line of what was asked for: stdout. */
  out(line: string): void;
  /** A line about how it goes: progress, hints, audit, errors. */
  err(line: string): void;
  /** Aborted when the operator wants it to stop. */
  readonly signal: AbortSignal;
}
