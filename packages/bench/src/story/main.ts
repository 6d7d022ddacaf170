import { createService, type RunningService } from '@warren/service-kit';
import { serving } from '../processes/serving.js';

const { env } = process;

/** `BENCH_SERVICE` names the service, which runs with its default settings. */
const services: Record<string, () => Promise<RunningService>> = {
  user: async () => createService((await import('@warren/user-service')).user, env),
  payment: async () => createService((await import('@warren/payment-service')).payment, env),
  notification: async () => createService((await import('@warren/notification-service')).notification, env),
};

serving(async () => {
  const start = services[env.BENCH_SERVICE ?? ''];
  if (!start) throw new Error(`there is no service '${env.BENCH_SERVICE}'`);
  const service = await start();
  return { port: service.port, close: () => service.stop() };
});
