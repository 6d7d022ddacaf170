import { AppError } from '@warren/contracts';

/** `rate-limited`, by a wait whose end is known. */
export class TooEarly extends AppError {
  /** Whole seconds, rounded up (RFC 9110, section 10.2.3). */
  readonly retryAfter: number;

  constructor(waitMs: number) {
    super('rate-limited');
    this.retryAfter = Math.ceil(waitMs / 1_000);
  }
}
