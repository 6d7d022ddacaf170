import { createService, type RunningService, type ServiceClient } from '@warren/service-kit';
import type { RawClient } from '@warren/unit-of-work';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { serving } from '../processes/serving.js';
import { notificationService } from './notification.js';
import { paymentService } from './payment.js';
import { prismaStore } from './prisma-store.js';
import { rawStore } from './raw-store.js';
import type { Store } from './store.js';

/** `BENCH_SERVICE` is `payment` or `notification`, `BENCH_STORE` `prisma` or `raw`, `BENCH_JWKS` the public keys. */
const { BENCH_SERVICE, BENCH_STORE, BENCH_JWKS } = process.env;

serving(async () => {
  const service = await (BENCH_STORE === 'raw' ? start(rawStore) : start(prismaStore));
  return { port: service.port, close: () => service.stop() };
});

function start<Db extends RawClient, Client extends ServiceClient<Db>>(
  store: Store<Db, Client>,
): Promise<RunningService> {
  const keys = createLocalJWKSet(JSON.parse(BENCH_JWKS ?? '') as JSONWebKeySet);
  return BENCH_SERVICE === 'payment'
    ? createService(paymentService(store), process.env, { keys })
    : createService(notificationService(store), process.env, { keys });
}
