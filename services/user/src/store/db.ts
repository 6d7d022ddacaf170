import type { Tx } from '@warren/unit-of-work';
import type { Prisma } from '../generated/prisma/client.js';

/** The database inside a transaction. */
export type Db = Prisma.TransactionClient;
export type UserTx = Tx<Db>;
