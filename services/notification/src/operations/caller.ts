import type { Cause } from '@warren/unit-of-work';

/** Who does something, through whichever door. */
export interface Caller {
  userId: string;
  cause: Cause;
  /** Makes a repeat return the first answer. */
  commandId?: string;
}
