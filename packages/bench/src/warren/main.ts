import { createService, type RunningService, type ServiceClient } from '@warren/service-kit';
import type { RawClient } from '@warren/unit-of-work';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { serving } from '../processes/serving.js';
import { notificationService } from './notification.js';
import { paymentService } from './payment.js';
import { prismaOrmStore, prismaSqlStore } from './prisma-store.js';
import { rawStore } from './raw-store.js';
import type { Store } from './store.js';

/** `BENCH_SERVICE` is `payment` or `notification`, `BENCH_STORE` one of the stores below, `BENCH_JWKS` the public keys. */
const { BENCH_SERVICE, BENCH_STORE, BENCH_JWKS } = process.env;

const stores: Record<string, () => Promise<RunningService>> = {
  'prisma-sql': () => start(prismaSqlStore),
  'prisma-orm': () => start(prismaOrmStore),
  raw: () => start(rawStore),
};

serving(async () => {
  const open = stores[BENCH_STORE ?? ''];
  if (!open) throw new Error(`there is no store '${BENCH_STORE}'`);
  const service = await open();
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
