import type { Session, User } from '../generated/prisma/client.js';

/** A session that was just found alive, or opened. */
export interface LiveSession {
  user: User;
  session: Session;
  /** The number of the refresh token to hand out. */
  generation: number;
  at: Date;
}
