import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

export type NotificationDb = Prisma.TransactionClient;
export { PrismaClient };
