import type { DeadLetterReason } from '../port.js';

export interface DeadLetter {
  id: string;
  type: string;
  service: string;
  reason: DeadLetterReason;
  attempts: number;
  /** RFC 3339, UTC. */
  firstFailedAt: string;
  error: Error;
}
