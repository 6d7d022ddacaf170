import type { UserTx } from '../context.js';
import type { UserDb } from './database.js';

export interface KeptToken {
  userId: string;
  tokenHash: string;
  expiresAt: Date;
}

/** Tokens of one kind that were mailed: one a person, the newest. */
export interface MailedTokens {
  /** Takes the place of one that was mailed before. The caller holds the person's row. */
  keep(tx: UserTx, token: KeptToken): Promise<void>;
  /** Whose it is, while it is good. */
  ownerOf(db: UserDb, tokenHash: string, now: Date): Promise<string | undefined>;
  /** Whether it was still good; it isn't afterwards. */
  use(tx: UserTx, tokenHash: string, now: Date): Promise<boolean>;
}

export const passwordResets = mailedTokens((db) => db.passwordReset);
export const emailVerifications = mailedTokens((db) => db.emailVerification);

interface Good {
  where: { tokenHash: string; expiresAt: { gt: Date } };
}

/** What the tables of all kinds have in common. */
interface TokenTable {
  upsert(row: {
    where: { userId: string };
    create: KeptToken;
    update: Omit<KeptToken, 'userId'>;
  }): Promise<unknown>;
  findFirst(token: Good): Promise<{ userId: string } | null>;
  deleteMany(token: Good): Promise<{ count: number }>;
}

function mailedTokens(tableOf: (db: UserDb) => TokenTable): MailedTokens {
  const good = (tokenHash: string, now: Date) => ({ where: { tokenHash, expiresAt: { gt: now } } });
  return {
    async keep(tx, { userId, ...token }) {
      await tableOf(tx).upsert({ where: { userId }, create: { userId, ...token }, update: token });
    },
    async ownerOf(db, tokenHash, now) {
      return (await tableOf(db).findFirst(good(tokenHash, now)))?.userId;
    },
    async use(tx, tokenHash, now) {
      return (await tableOf(tx).deleteMany(good(tokenHash, now))).count > 0;
    },
  };
}
