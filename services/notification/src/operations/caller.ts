import type { Cause } from '@warren/unit-of-work';

/** The person who asks for an operation, by an HTTP request or a command. */
export interface Caller {
  userId: string;
  cause: Cause;
  /** Makes a repeat of a command return the first answer. */
  commandId?: string;
}
