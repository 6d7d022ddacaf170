import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

export type UserDb = Prisma.TransactionClient;
export { PrismaClient };
