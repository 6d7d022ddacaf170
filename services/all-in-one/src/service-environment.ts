import type { Environment } from '@warren/service-kit';
import type { HostedService } from './hosted-service.js';
import { urlOn } from './url-on.js';

/** A service's environment: ours, with what must differ between the services. */
export function serviceEnvironment(
  service: HostedService,
  ports: ReadonlyMap<string, number>,
  databaseUrl: string,
  env: Environment & { readonly HOST: string },
): Environment {
  return {
    LOG_LEVEL: 'warn',
    // There is no other instance to hand sockets over to.
    DRAIN_SECONDS: '0',
    ...env,
    PORT: String(ports.get(service.name)),
    INTERNAL_PORT: internalPort(ports.get(service.name) ?? 0),
    DATABASE_URL: databaseUrl,
    DATABASE_URL_FILE: undefined,
    // The role of DATABASE_URL makes the databases here, so it owns them.
    MIGRATE_DATABASE_URL: undefined,
    MIGRATE_DATABASE_URL_FILE: undefined,
    USER_SERVICE_URL: urlOn(env.HOST, ports.get('user'), '127.0.0.1'),
  };
}

/** A high port, which the system chose, has no room for another 1000 above it. */
function internalPort(port: number): string {
  return port + 1000 > 32_767 ? '0' : String(port + 1000);
}
