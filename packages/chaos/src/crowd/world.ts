import type { Ledger } from '../ledger.js';
import type { Service } from '../services.js';

/** What people need: where to knock, where to note, and when to give up. */
export interface World {
  url(service: Service): string;
  ledger: Ledger;
  /** Aborted when nobody waits for answers any more. */
  over: AbortSignal;
}
