import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

/** The database inside a transaction. */
export type UserDb = Prisma.TransactionClient;
export { PrismaClient };
