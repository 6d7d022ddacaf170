import type { PaymentState } from '@warren/payment-contract';
import type { ServiceClient } from '@warren/service-kit';
import type { RawClient } from '@warren/unit-of-work';
import type { Pool } from 'pg';
import type { Notification } from './contract.js';

/** The parts that differ between a service with Prisma and one with a raw client. */
export interface Store<Db extends RawClient, Client extends ServiceClient<Db>> {
  client(pool: Pool): Client;
  insertPayment(db: Db, payment: PaymentState): Promise<void>;
  insertNotification(db: Db, userId: string, notification: Notification): Promise<void>;
}
