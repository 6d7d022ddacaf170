import type { ServiceContext } from '@warren/service-kit';
import type { UserConfig } from './config.js';
import type { PrismaClient, UserDb } from './store/database.js';

/** What the kit gives this service. */
export type Context = ServiceContext<UserConfig, UserDb, PrismaClient>;
export type Log = Context['log'];

/** The clock by which everything here begins and ends. */
export type Clock = () => Date;
