import type { notificationContract } from '@warren/notification-contract';
import type { ServiceContext } from '@warren/service-kit';
import type { Tx, UnitOfWork } from '@warren/unit-of-work';
import type { Config } from './config.js';
import type { NotificationDb, PrismaClient } from './store/database.js';

type Contract = typeof notificationContract;

/** What the kit gives this service. */
export type NotificationContext = ServiceContext<Config, NotificationDb, PrismaClient, Contract>;
export type NotificationUow = UnitOfWork<NotificationDb, Contract>;
export type NotificationTx = Tx<NotificationDb, Contract>;
