import type { Tx } from '@warren/unit-of-work';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

export type NotificationDb = Prisma.TransactionClient;
export type NotificationTx = Tx<NotificationDb>;
export { PrismaClient };
