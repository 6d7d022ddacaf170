import type { UserDb, UserTx } from './database.js';

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

export const passwordResets: MailedTokens = {
  async keep(tx, { userId, ...token }) {
    await tx.passwordReset.upsert({ where: { userId }, create: { userId, ...token }, update: token });
  },
  async ownerOf(db, tokenHash, now) {
    const row = await db.passwordReset.findFirst({ where: { tokenHash, expiresAt: { gt: now } } });
    return row?.userId;
  },
  async use(tx, tokenHash, now) {
    const { count } = await tx.passwordReset.deleteMany({ where: { tokenHash, expiresAt: { gt: now } } });
    return count > 0;
  },
};

export const emailVerifications: MailedTokens = {
  async keep(tx, { userId, ...token }) {
    await tx.emailVerification.upsert({ where: { userId }, create: { userId, ...token }, update: token });
  },
  async ownerOf(db, tokenHash, now) {
    const row = await db.emailVerification.findFirst({ where: { tokenHash, expiresAt: { gt: now } } });
    return row?.userId;
  },
  async use(tx, tokenHash, now) {
    const { count } = await tx.emailVerification.deleteMany({ where: { tokenHash, expiresAt: { gt: now } } });
    return count > 0;
  },
};
