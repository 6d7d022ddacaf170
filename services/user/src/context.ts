import type { ServiceContext, SocketOf } from '@warren/service-kit';
import type { Tx, UnitOfWork } from '@warren/unit-of-work';
import type { userContract } from '@warren/user-contract';
import type { UserConfig } from './config.js';
import type { PrismaClient, UserDb } from './store/database.js';

type Contract = typeof userContract;

/** What the kit gives this service. */
export type UserContext = ServiceContext<UserConfig, UserDb, PrismaClient, Contract>;
export type UserUow = UnitOfWork<UserDb, Contract>;
export type UserTx = Tx<UserDb, Contract>;
export type UserSocket = SocketOf<Contract>;

/** The current time. Tests pass a clock that they can move. */
export type Clock = () => Date;
