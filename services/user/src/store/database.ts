import type { Tx } from '@warren/unit-of-work';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

/** The database inside a transaction. */
export type UserDb = Prisma.TransactionClient;
export type UserTx = Tx<UserDb>;
export { PrismaClient };
