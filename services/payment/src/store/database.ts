import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

export type PaymentDb = Prisma.TransactionClient;
export { PrismaClient };
