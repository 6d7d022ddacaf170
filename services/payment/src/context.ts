import type { paymentContract } from '@warren/payment-contract';
import type { ServiceContext } from '@warren/service-kit';
import type { Tx, UnitOfWork } from '@warren/unit-of-work';
import type { PaymentConfig } from './config.js';
import type { PaymentDb, PrismaClient } from './store/database.js';

type Contract = typeof paymentContract;

/** What the kit gives this service. */
export type PaymentContext = ServiceContext<PaymentConfig, PaymentDb, PrismaClient, Contract>;
export type PaymentUow = UnitOfWork<PaymentDb, Contract>;
export type PaymentTx = Tx<PaymentDb, Contract>;
