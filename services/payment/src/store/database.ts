import type { Tx } from '@warren/unit-of-work';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';

export type PaymentDb = Prisma.TransactionClient;
export type PaymentTx = Tx<PaymentDb>;
export { PrismaClient };
